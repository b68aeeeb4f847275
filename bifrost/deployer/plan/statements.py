"""Compares declared statements with live streams, tables and queries. Never replaces a live query on a guess."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
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
from bifrost.deployer.plan.live_statements import (
    columns_of,
    commands_to_replace,
    insert_query_of,
    query_of,
    with_declared_types,
)
from bifrost.deployer.plan.statement_equality import Columns, statement_difference
from bifrost.deployer.plan.type_equality import type_difference
from bifrost.sql.tree import CreateAsSelect, CreateSource, CreateType, InsertSelect, InsertValues, SourceKind


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
            manual_steps=commands_to_replace(statement.name, live),
        )
    return _with_query_state(statement.name, query)


def _changed(statement: DeclaredStatement, found: LiveSource, live: LiveState, differs: str) -> Action:
    used = (*found.description.written_by, *found.description.read_by)
    # Replacing it would end queries, and a new query would not continue where the old one stopped.
    if used or not isinstance(found.tree, CreateSource):
        commands = commands_to_replace(statement.name, live)
        return Action(ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, differs, manual_steps=commands)
    operations = (DropLiveSource(statement.name, SourceKind(found.description.type)), RunStatement(statement))
    return Action(ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, differs, operations)


def _with_query_state(name: str, query: LiveQuery) -> Action:
    query_id, state = query.summary.id, query.summary.state
    if state == "RUNNING":
        return keep(ResourceKind.STATEMENT, name)
    operations = (ResumeLiveQuery(query_id),) if state == "PAUSED" else ()
    return Action(ActionKind.UPDATE, ResourceKind.QUERY, query_id, f"is {state} ({name})", operations)
