"""Plans declared statements: what is missing is created, what ksqlDB can change stays, the rest is replaced.

A replacement drops everything that reads the statement, too, before anything is created again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.declared.statement_files import names_read
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
from bifrost.deployer.plan.statement_changes import (
    DEFAULT_SCOPE,
    StatementChange,
    StatementScope,
    replaced,
    statement_changes,
)
from bifrost.deployer.plan.statement_equality import statement_difference
from bifrost.deployer.plan.statement_losses import StatementLosses, declared_start, read_from
from bifrost.deployer.plan.topic_readers import notifiers, sink_readers
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
    topics = _topics(scope.everything or declared)
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
        self._topics = _topics(self._everything)
        self._changes = statement_changes(declared, live, scope)
        self._replaced = tuple(replaced(self._changes))
        self._interrupted = live.owned.rebuild
        self._repeating = frozenset(each.statement.name for each in self._changes if self._repeats_records(each))
        self._rebuild = self._planned_rebuild()
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
            names = [statement.name for statement in rebuild.statements]
            reason = f"finishes an interrupted replacement of {', '.join(names)}"
            finish = (FinishRebuild(rebuild),)
            yield Action(ActionKind.UPDATE, ResourceKind.STATEMENT, next(iter(names), "services"), reason, finish)

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
        if self._is_interrupted(change):
            reason = "continues an interrupted replacement"
        elif statement.name in self._repeating:
            operations.extend(self._take_down())
            loss = self._losses.of_created(change, self._rebuilt(change))
        start = None if self._rebuild is None else self._rebuild.find(statement.name)
        if start is not None:
            statement = _starting_at(statement, start.read_from)
        elif change.statement.topic in self._live.records:
            statement = _starting_at(statement, read_from(change, self._live, self._choices))
        operations.append(RunStatement(statement))
        return Action(ActionKind.CREATE, ResourceKind.STATEMENT, statement.name, reason, tuple(operations), loss=loss)

    def _repeats_records(self, change: StatementChange) -> bool:
        """Whether a missing query writes into a topic that holds records already, as after a DROP by a person."""
        return (
            change.kind is ActionKind.CREATE
            and isinstance(change.tree, CreateAsSelect)
            and self._live.records.get(change.statement.topic, 0) > 0
            and read_from(change, self._live, self._choices) == "earliest"
            and not self._is_interrupted(change)
        )

    def _is_interrupted(self, change: StatementChange) -> bool:
        return self._interrupted is not None and self._interrupted.find(change.statement.name) is not None

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

    def _planned_rebuild(self) -> Rebuild | None:
        """The queries that are replaced, with what an interrupted replacement has left to do."""
        statements = tuple(
            self._rebuilt(change)
            for change in self._changes
            if change.statement.name in self._repeating or _replaces_query(change)
        )
        if not statements:
            return self._interrupted
        groups = {group for statement in statements for group in statement.groups}
        services = {
            notifier.service
            for statement in statements
            for notifier in notifiers(statement.topic, self._everything, self._live)
            if notifier.group in groups and self._runs(notifier.service)
        }
        return Rebuild(statements, tuple(sorted(services))).after(self._interrupted)

    def _rebuilt(self, change: StatementChange) -> RebuiltStatement:
        topic = self._topics.get(change.statement.name, "")
        start = read_from(change, self._live, self._choices)
        moves = change.deletes_topic or (start == "earliest" and not self._choices.repeat_alerts)
        groups = [each.group for each in notifiers(topic, self._everything, self._live)] if moves else []
        if self._live.services is None:
            groups = []
        sinks = sink_readers(topic, self._everything, self._live) if change.deletes_topic else ()
        return RebuiltStatement(
            name=change.statement.name,
            topic=topic,
            query_id="" if change.query is None else change.query.summary.id,
            read_from=start,
            inputs=tuple(sorted({self._topic_of(name) for name in names_read(change.tree)} - {"", topic})),
            deletes_topic=change.deletes_topic,
            skips=start == "earliest" and not self._choices.repeat_alerts,
            groups=tuple(groups),
            connectors=tuple(sink.name for sink in sinks),
        )

    def _topic_of(self, name: str) -> str:
        source = self._live.sources.get(name)
        return self._topics.get(name, "") if source is None else source.description.topic

    def _runs(self, service: str) -> bool:
        status = (self._live.services or {}).get(service)
        return status is not None and status.is_up

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


def _topics(declared: Declarations) -> dict[str, str]:
    """The topic that each query writes, by its statement's name."""
    topics = {item.name: item.topic for item in declared.statements}
    inserts = {
        item.name: topics.get(item.tree.target, "")
        for item in declared.statements
        if isinstance(item.tree, InsertSelect)
    }
    return topics | inserts


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


def _replaces_query(change: StatementChange) -> bool:
    return change.kind is ActionKind.REPLACE and isinstance(change.tree, CreateAsSelect | InsertSelect)


def _query_state(name: str, query: LiveQuery) -> Action:
    query_id, state = query.summary.id, query.summary.state
    if state == "RUNNING":
        return keep(ResourceKind.STATEMENT, name)
    operations = (ResumeLiveQuery(query_id),) if state == "PAUSED" else ()
    return Action(ActionKind.UPDATE, ResourceKind.QUERY, query_id, f"is {state} ({name})", operations)
