"""Compares declared statements with live streams, tables and queries. Never replaces a live query on a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bifrost.deployer.declared.declarations import Creating, Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.state import LiveQuery, LiveSource, LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    DropLiveSource,
    DropLiveType,
    ResourceKind,
    ResumeLiveQuery,
    RunStatement,
    keep,
)
from bifrost.deployer.plan.ksql_commands import drop_source, terminate
from bifrost.deployer.plan.statement_equality import Columns, statement_difference
from bifrost.deployer.plan.type_equality import type_difference
from bifrost.errors import AnalysisError
from bifrost.sql.tree import (
    CreateAsSelect,
    CreateSource,
    CreateType,
    InsertSelect,
    InsertValues,
    SourceKind,
    resolve_types,
)
from bifrost.sql.types import SqlType


def plan_statements(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for all statements, in their order of dependence."""
    topics = {item.name: item.topic for item in declared.statements}
    columns = columns_of(live.sources)
    for statement, tree in with_declared_types(declared):
        match tree:
            case CreateType():
                yield _type(statement, tree, live)
            case InsertSelect():
                yield _insert(statement, tree, live, columns)
            case InsertValues(target=target):
                yield _first_row(statement, topics.get(target, ""), live)
            case CreateSource() | CreateAsSelect():
                yield _source(statement, tree, live, columns)


def columns_of(sources: Mapping[str, LiveSource]) -> Columns:
    """The names of each source's columns."""
    return {name: [column for column, _ in source.description.columns] for name, source in sources.items()}


def with_declared_types(declared: Declarations) -> Iterator[tuple[DeclaredStatement, Creating]]:
    """Each statement with its tree, in which declared types take the place of their names."""
    types = {item.tree.name: item.tree.type for item in declared.statements if isinstance(item.tree, CreateType)}
    return ((statement, _with_types(statement.tree, types)) for statement in declared.statements)


def commands_to_replace(statement: DeclaredStatement, live: LiveState) -> tuple[str, ...]:
    """The commands that remove a live source and everything that reads it, so that `up` can create them again."""
    removed = _with_readers(statement.name, live)
    queries = [
        query.summary.id
        for query in live.queries.values()
        if _touches(query, removed) and not is_of_source_table(query.summary.id, live)
    ]
    # ksqlDB refuses to drop a source that others read, so readers come first.
    drops = [drop_source(SourceKind(live.sources[name].description.type), name) for name in reversed(removed)]
    return (*map(terminate, queries), *drops, "run `up` again afterwards, which creates them again")


def is_of_source_table(query_id: str, live: LiveState) -> bool:
    """Whether a query belongs to a CREATE SOURCE TABLE: it cannot be terminated and ends with DROP TABLE."""
    return any(
        isinstance(source.tree, CreateSource)
        and source.tree.is_source
        and re.fullmatch(rf"CST_{re.escape(name)}_\d+", query_id)
        for name, source in live.sources.items()
    )


def query_of(source: LiveSource, live: LiveState) -> LiveQuery | None:
    """The query that a CREATE ... AS SELECT started, `None` when it was terminated."""
    for query_id in source.description.written_by:
        query = live.queries.get(query_id)
        if query is not None and not query_id.startswith("INSERTQUERY") and not isinstance(query.tree, InsertSelect):
            return query
    return None


def insert_query_of(tree: InsertSelect, queries: Iterable[LiveQuery], columns: Columns) -> LiveQuery | None:
    """The live query of an INSERT INTO ... SELECT, `None` when there is none."""
    return next(
        (
            query
            for query in queries
            if isinstance(query.tree, InsertSelect) and statement_difference(tree, query.tree, columns) is None
        ),
        None,
    )


def _keep_or_create(statement: DeclaredStatement, exists: bool) -> Action:
    if exists:
        return keep(ResourceKind.STATEMENT, statement.name)
    return Action(ActionKind.CREATE, ResourceKind.STATEMENT, statement.name, "is missing", (RunStatement(statement),))


def _type(statement: DeclaredStatement, tree: CreateType, live: LiveState) -> Action:
    found = live.types.get(tree.name.upper())
    if found is None:
        return _keep_or_create(statement, exists=False)
    differs = type_difference(tree.type, found)
    if differs is None:
        return keep(ResourceKind.STATEMENT, statement.name)
    operations = (DropLiveType(tree.name), RunStatement(statement))
    return Action(ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, differs, operations)


def _first_row(statement: DeclaredStatement, topic: str, live: LiveState) -> Action:
    """A declared row is initial content: once its topic has had any record, the table belongs to its users."""
    if topic in live.written:
        return keep(ResourceKind.STATEMENT, statement.name)
    reason = f"nothing was ever written to {topic}"
    return Action(ActionKind.CREATE, ResourceKind.STATEMENT, statement.name, reason, (RunStatement(statement),))


def _insert(statement: DeclaredStatement, tree: InsertSelect, live: LiveState, columns: Columns) -> Action:
    query = insert_query_of(tree, live.queries.values(), columns)
    return _keep_or_create(statement, exists=False) if query is None else _with_query_state(statement.name, query)


def _source(
    statement: DeclaredStatement, tree: CreateSource | CreateAsSelect, live: LiveState, columns: Columns
) -> Action:
    found = live.sources.get(statement.name)
    if found is None:
        return _keep_or_create(statement, exists=False)
    if found.tree is None:
        differs: str | None = "cannot be compared: the server's text of it cannot be parsed"
    else:
        differs = statement_difference(tree, found.tree, columns)
    if differs is not None:
        return _changed(statement, found, live, differs)
    if not isinstance(tree, CreateAsSelect):
        return keep(ResourceKind.STATEMENT, statement.name)
    query = query_of(found, live)
    if query is None:
        reason = "its query was terminated; a new one would compute everything again"
        return Action(
            ActionKind.REPLACE,
            ResourceKind.STATEMENT,
            statement.name,
            reason,
            manual_steps=commands_to_replace(statement, live),
        )
    return _with_query_state(statement.name, query)


def _changed(statement: DeclaredStatement, found: LiveSource, live: LiveState, differs: str) -> Action:
    used = (*found.description.written_by, *found.description.read_by)
    # Replacing it would end queries, and a new query would not continue where the old one stopped.
    if used or not isinstance(found.tree, CreateSource):
        commands = commands_to_replace(statement, live)
        return Action(ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, differs, manual_steps=commands)
    operations = (DropLiveSource(statement.name, SourceKind(found.description.type)), RunStatement(statement))
    return Action(ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, differs, operations)


def _with_query_state(name: str, query: LiveQuery) -> Action:
    query_id, state = query.summary.id, query.summary.state
    if state == "RUNNING":
        return keep(ResourceKind.STATEMENT, name)
    operations = (ResumeLiveQuery(query_id),) if state == "PAUSED" else ()
    return Action(ActionKind.UPDATE, ResourceKind.QUERY, query_id, f"is {state} ({name})", operations)


def _with_types(tree: Creating, types: Mapping[str, SqlType]) -> Creating:
    try:
        return resolve_types(tree, types)
    except AnalysisError:
        return tree


def _with_readers(name: str, live: LiveState) -> list[str]:
    """A source and all that is computed from it, sources before their readers."""
    found = [name]
    # The list grows while it is walked: so readers of readers are found, too.
    for current in found:
        for other, source in live.sources.items():
            if other not in found and source.tree is not None and _reads(source.tree, current, live):
                found.append(other)
    return found


def _reads(tree: Creating, name: str, live: LiveState) -> bool:
    """Whether a statement's query reads a source, or a declared source lies on the topic of its sink."""
    if name in names_read(tree):
        return True
    sink = live.sources[name]
    if not isinstance(tree, CreateSource) or not isinstance(sink.tree, CreateAsSelect):
        return False
    written = tree.properties.get("KAFKA_TOPIC")
    return getattr(written, "value", None) == sink.description.topic


def _touches(query: LiveQuery, names: list[str]) -> bool:
    reads = set(names_read(query.tree)) if query.tree is not None else set()
    return bool(reads.union(query.summary.sinks).intersection(names))
