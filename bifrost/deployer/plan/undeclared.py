"""Live resources without a declaration: always listed, removed only on request and only if this project made them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from bifrost.deployer.declared.declarations import SUBJECT_SUFFIXES, Creating, Declarations
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    DeleteConnector,
    DeleteTemplate,
    DropLiveSource,
    ResourceKind,
    TerminateLiveQuery,
    Undeclared,
)
from bifrost.deployer.plan.live_statements import (
    columns_of,
    insert_query_of,
    is_of_source_table,
    with_declared_types,
)
from bifrost.deployer.targets import OWNER_KEY
from bifrost.sql.tree import InsertSelect, SourceKind

_BUILT_IN = frozenset({"KSQL_PROCESSING_LOG"})


def undeclared_of(everything: Declarations, live: LiveState) -> tuple[Undeclared, ...]:
    """Live resources that are not declared.

    Connectors and templates carry this project's mark; what it created in ksqlDB and Kafka is recorded (`live.owned`).
    """
    found = (
        *_connectors(everything, live),
        *_templates(everything, live),
        *_queries(everything, live),
        *_sources(everything, live),
        *_topics_and_subjects(everything, live),
    )
    return _with_foreign_readers(found, live)


def plan_removals(undeclared: Iterable[Undeclared], live: LiveState) -> tuple[Action, ...]:
    """The deletions: connectors, then queries, then sources, readers before what they read; only this project's."""
    return tuple(_removal(item, live) for item in undeclared if item.owned and not item.kept_because)


def _with_foreign_readers(found: Sequence[Undeclared], live: LiveState) -> tuple[Undeclared, ...]:
    """Marks sources that a query or source reads which stays: ksqlDB refuses to drop them."""
    items = list(found)
    # A source that stays keeps what it reads, so the marks spread until nothing changes.
    while True:
        removed = {item.name for item in items if item.owned and not item.kept_because}
        changed = False
        for index, item in enumerate(items):
            readers = [] if item.resource is not ResourceKind.STATEMENT else _staying_readers(item.name, removed, live)
            if item.name in removed and readers:
                items[index] = replace(item, kept_because=f"read by {', '.join(readers)}, which stays")
                changed = True
        if not changed:
            return tuple(items)


def _staying_readers(name: str, removed: Container[str], live: LiveState) -> list[str]:
    queries = {
        query_id
        for query_id, query in live.queries.items()
        if query_id in live.sources[name].description.read_by or name in _read_by_tree(query.tree)
    }
    own = {query_id for query_id in queries if is_of_source_table(query_id, live)}
    # A query ends with the source that it writes.
    ending = {query_id for query_id in queries if any(sink in removed for sink in live.queries[query_id].summary.sinks)}
    sources = {other for other in live.sources if other != name and name in _read_by(other, live)}
    return sorted(query_id for query_id in queries - own - ending if query_id not in removed) + sorted(
        other for other in sources if other not in removed
    )


def _removal(item: Undeclared, live: LiveState) -> Action:
    match item.resource:
        case ResourceKind.CONNECTOR:
            return Action(ActionKind.DELETE, item.resource, item.name, "is not declared", (DeleteConnector(item.name),))
        case ResourceKind.TEMPLATE:
            return Action(ActionKind.DELETE, item.resource, item.name, "is not declared", (DeleteTemplate(item.name),))
        case ResourceKind.QUERY:
            return Action(
                ActionKind.DELETE, item.resource, item.name, "is not declared", (TerminateLiveQuery(item.name),)
            )
        case _:
            kind = SourceKind(live.sources[item.name].description.type)
            return Action(
                ActionKind.DELETE, item.resource, item.name, "is not declared", (DropLiveSource(item.name, kind),)
            )


def _connectors(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    declared = {connector.name for connector in everything.connectors}
    for name, connector in sorted(live.connectors.items()):
        if name not in declared:
            yield Undeclared(ResourceKind.CONNECTOR, name, OWNER_KEY in connector.config)


def _templates(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    """Only this project's: search engines have built-in templates."""
    declared = {template.name for template in everything.templates}
    for name, template in sorted((live.templates or {}).items()):
        if name not in declared and OWNER_KEY in (template.get("_meta") or {}):
            yield Undeclared(ResourceKind.TEMPLATE, name, owned=True)


def _queries(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    declared = {statement.name for statement in everything.statements}
    columns = columns_of(live.sources)
    inserts = {
        query.summary.id
        for _, tree in with_declared_types(everything)
        if isinstance(tree, InsertSelect)
        and (query := insert_query_of(tree, live.queries.values(), columns)) is not None
    }
    for query_id, query in sorted(live.queries.items()):
        if query_id in inserts or is_of_source_table(query_id, live):
            continue
        if isinstance(query.tree, InsertSelect):
            yield Undeclared(ResourceKind.QUERY, query_id, owned=query_id in live.owned.queries)
        elif not declared.intersection(query.summary.sinks):
            owned = any(sink in live.owned.statements for sink in query.summary.sinks)
            yield Undeclared(ResourceKind.QUERY, query_id, owned=owned)


def _sources(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    declared = {statement.name for statement in everything.statements}
    remaining = {name for name in live.sources if name not in declared | _BUILT_IN}
    while remaining:
        read = {name for other in remaining for name in _read_by(other, live) if name != other}
        # The second part ends the loop if sources ever read each other in a circle.
        free = sorted(remaining - read) or sorted(remaining)
        for name in free:
            yield Undeclared(ResourceKind.STATEMENT, name, owned=name in live.owned.statements)
        remaining.difference_update(free)


def _topics_and_subjects(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    """What earlier deployments left; a topic that a declared statement reads is in use."""
    used = everything.written_topics | {item.topic for item in everything.statements}
    used |= {f"{topic}{suffix}" for topic in used for suffix in SUBJECT_SUFFIXES}
    for resource, names in ((ResourceKind.TOPIC, live.left_topics), (ResourceKind.SUBJECT, live.left_subjects)):
        for name in sorted(names - used):
            yield Undeclared(resource, name, owned=True, kept_because=f"{resource}s are never removed")


def _read_by(name: str, live: LiveState) -> Iterator[str]:
    return _read_by_tree(live.sources[name].tree)


def _read_by_tree(tree: Creating | None) -> Iterator[str]:
    return iter(()) if tree is None else names_read(tree)
