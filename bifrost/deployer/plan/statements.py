"""Plans declared statements: what is missing is created, what ksqlDB can change stays, the rest is replaced.

A replacement drops everything that reads the statement, too, before anything is created again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.live.rebuild_record import Rebuild, RebuiltStatement
from bifrost.deployer.live.state import LiveQuery, LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    AlterTopic,
    AwaitReaders,
    BeginRebuild,
    CreateTopic,
    DropLiveSource,
    DropLiveType,
    FinishRebuild,
    Operation,
    ResourceKind,
    ResumeLiveQuery,
    RunStatement,
    StopConnector,
    StopService,
    TerminateLiveQuery,
    keep,
)
from bifrost.deployer.plan.live_statements import (
    columns_of,
    insert_query_of,
    is_of_source_table,
    queries_of,
    query_of,
    readers_first,
    reads_source,
    with_declared_types,
)
from bifrost.deployer.plan.losses import Loss
from bifrost.deployer.plan.planned_rebuild import RebuildPlanner, written_topics
from bifrost.deployer.plan.statement_changes import (
    DEFAULT_SCOPE,
    StatementChange,
    StatementScope,
    replaced,
    statement_changes,
)
from bifrost.deployer.plan.statement_equality import statement_difference
from bifrost.deployer.plan.statement_losses import StatementLosses, declared_start, read_from
from bifrost.deployer.plan.type_equality import type_difference
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import CreateAsSelect, CreateSource, CreateType, InsertSelect, SourceKind

RESET = "auto.offset.reset"


def plan_statements(declared: Declarations, live: LiveState, scope: StatementScope = DEFAULT_SCOPE) -> Iterator[Action]:
    """The actions for all statements, in their order of dependence."""
    return _StatementPlan(declared, live, scope).actions()


def topics_of_changes(declared: Declarations, live: LiveState, scope: StatementScope = DEFAULT_SCOPE) -> frozenset[str]:
    """The topics whose records and readers a plan must know, to say what is lost."""
    changes = statement_changes(declared, live, scope)
    kinds = (ActionKind.CREATE, ActionKind.REPLACE)
    topics = written_topics(scope.everything or declared)
    return frozenset(
        topics.get(change.statement.name, "")
        for change in changes
        if change.kind in kinds and isinstance(change.tree, CreateAsSelect | InsertSelect)
    ) - {""}


def statements_to_run(declared: Declarations, live: LiveState) -> frozenset[str]:
    """The names of the statements without an equal live counterpart; rows of a table always count."""
    columns = columns_of(live.sources)
    return frozenset(
        statement.name
        for statement, tree in with_declared_types(declared)
        if not _is_live(tree, statement.name, live, columns)
    )


def _is_live(tree: object, name: str, live: LiveState, columns: Mapping[str, Sequence[str]]) -> bool:
    match tree:
        case CreateType():
            found = live.types.get(tree.name.upper())
            return found is not None and type_difference(tree.type, found) is None
        case InsertSelect():
            return insert_query_of(tree, live.queries.values(), columns) is not None
        case CreateSource() | CreateAsSelect():
            source = live.sources.get(name)
            if source is None or source.tree is None or statement_difference(tree, source.tree, columns) is not None:
                return False
            return isinstance(tree, CreateSource) or query_of(source, live) is not None
        case _:
            return False


class _StatementPlan:
    """The actions of one plan; the first replaced statement takes down all of them."""

    def __init__(self, declared: Declarations, live: LiveState, scope: StatementScope) -> None:
        self._live = live
        self._choices = scope.choices
        self._pruned = scope.pruned
        self._everything = scope.everything or declared
        self._changes = statement_changes(declared, live, scope)
        self._replaced = tuple(replaced(self._changes))
        self._rebuilds = RebuildPlanner(self._everything, live, scope.choices)
        self._rebuild = self._rebuilds.rebuild(self._changes)
        self._losses = StatementLosses(self._everything, live, scope.choices, self._rebuild)
        self._is_taken_down = False

    def actions(self) -> Iterator[Action]:
        found = [self._action(change) for change in self._changes]
        rebuild = self._rebuild
        if rebuild is None:
            yield from found
            return
        # The last statement that is created ends the rebuild.
        last = max((number for number, action in enumerate(found) if _creates_one_of(rebuild, action)), default=None)
        for number, action in enumerate(found):
            yield _ending(action, rebuild) if number == last else action
        if last is None:
            names = [statement.name for statement in rebuild.statements] or ["statements that are declared no more"]
            reason = f"finishes an interrupted replacement of {', '.join(names)}"
            yield Action(ActionKind.UPDATE, ResourceKind.STATEMENT, names[0], reason, (FinishRebuild(rebuild),))

    def _action(self, change: StatementChange) -> Action:
        name = change.statement.name
        match change.kind:
            case ActionKind.KEEP:
                return keep(ResourceKind.STATEMENT, name) if change.query is None else _query_state(name, change.query)
            case ActionKind.CREATE:
                return self._create(change)
            case ActionKind.UPDATE:
                operations = tuple(self._in_place(change))
                loss = tuple(self._losses.of_retention(operations))
                return Action(change.kind, ResourceKind.STATEMENT, name, change.reason, operations, loss=loss)
            case ActionKind.REPLACE:
                return self._replace(change)
            case _:
                return Action(
                    change.kind, ResourceKind.STATEMENT, name, change.reason, manual_steps=change.manual_steps
                )

    def _create(self, change: StatementChange) -> Action:
        statement, reason = change.statement, change.reason
        loss: tuple[Loss, ...] = ()
        operations: list[Operation] = []
        rebuilt = None if self._rebuild is None else self._rebuild.find(statement.name)
        if self._rebuilds.is_interrupted(change):
            reason = "continues an interrupted replacement"
        elif rebuilt is not None:
            operations.extend(self._take_down())
            loss = self._losses.of_created(change, rebuilt)
        if rebuilt is not None:
            statement = _starting_at(statement, rebuilt.read_from)
        elif change.statement.topic in self._live.records:
            statement = _starting_at(statement, read_from(change, self._live, self._choices))
        operations.append(RunStatement(statement))
        return Action(ActionKind.CREATE, ResourceKind.STATEMENT, statement.name, reason, tuple(operations), loss=loss)

    def _in_place(self, change: StatementChange) -> Iterator[Operation]:
        tree = change.tree
        assert isinstance(tree, CreateSource | CreateAsSelect)
        yield from self._retention(change)
        # The file's own text may say IF NOT EXISTS, with which nothing would change.
        text = format_statement(replace(_written(change), or_replace=True, if_not_exists=False))
        yield RunStatement(replace(change.statement, text=text))
        if change.query is not None and change.query.summary.state == "PAUSED":
            yield ResumeLiveQuery(change.query.summary.id)

    def _replace(self, change: StatementChange) -> Action:
        statement = change.statement
        operations: list[Operation] = []
        if isinstance(change.tree, CreateType):
            operations.append(DropLiveType(change.tree.name))
        else:
            operations.extend(self._take_down())
        rebuilt = None if self._rebuild is None else self._rebuild.find(statement.name)
        if rebuilt is not None:
            statement = _starting_at(statement, rebuilt.read_from)
            operations.extend(self._deleted_and_declared(rebuilt) if rebuilt.deletes_topic else self._retention(change))
        loss = () if rebuilt is None else self._losses.of_replaced(change, rebuilt)
        loss += tuple(self._losses.of_retention(operations))
        operations.append(RunStatement(statement))
        return Action(
            ActionKind.REPLACE, ResourceKind.STATEMENT, statement.name, change.reason, tuple(operations), loss=loss
        )

    def _take_down(self) -> Iterator[Operation]:
        """Once, ends everything that is replaced: queries, then sources, readers before what they read."""
        if self._is_taken_down:
            return
        self._is_taken_down = True
        sources = [change.source.description.name for change in self._replaced if change.source is not None]
        # The list grows while it is walked: what is removed anyway and reads what is replaced goes with it.
        for name in sources:
            pruned = (other for other in self._live.sources if other in self._pruned and other not in sources)
            sources.extend(other for other in pruned if reads_source(other, name, self._live))
        inserts = [change.query.summary.id for change in self._replaced if change.source is None and change.query]
        queries = dict.fromkeys((*queries_of(sources, self._live), *inserts))
        rebuild = self._rebuild
        if rebuild is not None:
            yield BeginRebuild(rebuild)
        yield from (TerminateLiveQuery(name) for name in queries if not is_of_source_table(name, self._live))
        if rebuild is not None:
            if rebuild.groups and rebuild.services:
                yield AwaitReaders(rebuild.groups)
            yield from (StopService(name) for name in rebuild.services)
            yield from (StopConnector(name) for name in rebuild.connectors)
        deleted = {change.statement.name for change in self._replaced if change.deletes_topic}
        for name in readers_first(sources, self._live):
            description = self._live.sources[name].description
            topic = description.topic if name in deleted else ""
            yield DropLiveSource(name, SourceKind(description.type), topic)

    def _deleted_and_declared(self, rebuilt: RebuiltStatement) -> Iterator[Operation]:
        """Creates a deleted topic as a file declares it, before ksqlDB would do so with its own settings."""
        for topic in self._everything.topics:
            if topic.name == rebuilt.topic:
                yield CreateTopic(TopicDescription(topic.name, topic.partitions, topic.replication, topic.config))

    def _retention(self, change: StatementChange) -> Iterator[Operation]:
        """Gives a kept topic the retention of the new statement: ksqlDB refuses a topic with another one."""
        topic = self._live.topics.get(change.statement.topic)
        tree = change.tree
        if topic is None or change.retention_ms is None or not isinstance(tree, CreateAsSelect):
            return
        # Otherwise the new query takes the retention from the topic that it reads, as the old one did.
        window = tree.query.window
        if "RETENTION_MS" not in tree.properties and (window is None or window.retention is None):
            return
        # A window's RETENTION wins over -1 on some servers, and -1 keeps the records long enough on the others.
        if topic.config.get("retention.ms", "") not in ("-1", str(change.retention_ms)):
            yield AlterTopic(topic.name, {"retention.ms": str(change.retention_ms)})


def _written(change: StatementChange) -> CreateSource | CreateAsSelect:
    """The statement as the file has it, with the names of custom types."""
    tree = change.statement.tree
    assert isinstance(tree, CreateSource | CreateAsSelect)
    return tree


def _starting_at(statement: DeclaredStatement, start: str) -> DeclaredStatement:
    if declared_start(statement) == start:
        return statement
    properties = {name: value for name, value in statement.properties.items() if not name.endswith(RESET)}
    return replace(statement, properties={**properties, RESET: start})


def _creates_one_of(rebuild: Rebuild, action: Action) -> bool:
    runs = any(isinstance(operation, RunStatement) for operation in action.operations)
    return runs and rebuild.find(action.name) is not None


def _ending(action: Action, rebuild: Rebuild) -> Action:
    return replace(action, operations=(*action.operations, FinishRebuild(rebuild)))


def _query_state(name: str, query: LiveQuery) -> Action:
    query_id, state = query.summary.id, query.summary.state
    if state == "RUNNING":
        return keep(ResourceKind.STATEMENT, name)
    if state != "PAUSED":
        return Action(ActionKind.UPDATE, ResourceKind.QUERY, query_id, f"is {state} ({name})")
    reason = f"is PAUSED by a command; it is resumed ({name})"
    return Action(ActionKind.UPDATE, ResourceKind.QUERY, query_id, reason, (ResumeLiveQuery(query_id),))
