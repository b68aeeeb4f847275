"""Live resources without a declaration: always listed, removed only on request and only if this project made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveQuery, LiveState
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
from bifrost.deployer.plan.statement_equality import statement_difference
from bifrost.deployer.targets import OWNER_KEY
from bifrost.sql.tree import InsertSelect, SourceKind

_BUILT_IN = frozenset({"KSQL_PROCESSING_LOG"})


def undeclared_of(everything: Declarations, live: LiveState) -> tuple[Undeclared, ...]:
    """Live resources that are not declared. A connector is this project's if it carries the owner key."""
    return (
        *_connectors(everything, live),
        *_templates(everything, live),
        *_queries(everything, live),
        *_sources(everything, live),
    )


def plan_removals(undeclared: Iterable[Undeclared], live: LiveState) -> tuple[Action, ...]:
    """The deletions: connectors, then queries, then sources, readers before what they read; only this project's."""
    return tuple(_removal(item, live) for item in undeclared if item.owned)


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
    for query_id, query in sorted(live.queries.items()):
        if isinstance(query.tree, InsertSelect):
            known = _is_declared_insert(query, everything)
        else:
            known = bool(declared.intersection(query.summary.sinks))
        if not known:
            yield Undeclared(ResourceKind.QUERY, query_id, owned=True)


def _is_declared_insert(query: LiveQuery, everything: Declarations) -> bool:
    live = query.tree
    return isinstance(live, InsertSelect) and any(
        isinstance(statement.tree, InsertSelect) and statement_difference(statement.tree, live, {}) is None
        for statement in everything.statements
    )


def _sources(everything: Declarations, live: LiveState) -> Iterator[Undeclared]:
    declared = {statement.name for statement in everything.statements}
    remaining = {name for name in live.sources if name not in declared | _BUILT_IN}
    while remaining:
        read = {name for other in remaining for name in _read_by(other, live) if name != other}
        free = sorted(remaining - read) or sorted(remaining)
        for name in free:
            yield Undeclared(ResourceKind.STATEMENT, name, owned=True)
        remaining.difference_update(free)


def _read_by(name: str, live: LiveState) -> Iterator[str]:
    tree = live.sources[name].tree
    return iter(()) if tree is None else names_read(tree)
