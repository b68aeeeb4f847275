"""The embedded ksqlDB's façade: statements in, results and queries out.

One engine owns one service id on one cluster. Statements that change it are checked on a copy of the metastore, written
to the command topic and then carried out, so that a restart, which repeats the command topic, ends up where it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from bifrost.engine.administration import Administration
from bifrost.engine.environment import PlannerConfig
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.metastore import MetaStore
from bifrost.engine.planned import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DropPlan,
    DropTypePlan,
    InsertValuesPlan,
    NothingToDo,
    PersistentPlan,
    Planned,
    PullPlan,
    PushPlan,
    StreamPullPlan,
)
from bifrost.engine.planner import Planner
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.queries.persistent import PersistentQueries
from bifrost.engine.queries.pull import PullResult, run_pull
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.refusals import NotAQuery, QueryElsewhere
from bifrost.engine.results import Executed, Result, Warned
from bifrost.engine.runtime.commands import Command, CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.sessions import Session
from bifrost.errors import AnalysisError, BifrostError, RemoteError, StatementError, UnsupportedError
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import (
    AlterSource,
    CreateAsSelect,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    InsertSelect,
    InsertValues,
    ParsedStatement,
    PauseQuery,
    PrintTopic,
    Query,
    ResumeQuery,
    TerminateQuery,
)

_log = logging.getLogger(__name__)
_CHANGES = (CreateSource, CreateAsSelect, InsertSelect, DropSource, AlterSource, CreateType, DropType)
_CONTROLS = (TerminateQuery, PauseQuery, ResumeQuery)


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What an engine is made of; the program that starts it puts them together."""

    environment: LiveEnvironment
    functions: FunctionRegistry
    launcher: Launcher
    commands: CommandTopic
    inserts: InsertWriter
    properties: Mapping[str, str] = field(default_factory=dict)


class KsqlEngine:
    """Carries out statements and runs queries. Safe to use from several threads."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        self.metastore = MetaStore()
        self.queries = PersistentQueries(parts.launcher)
        self.push_queries: dict[str, PushQuery] = {}
        self.statuses: dict[str, Executed] = {}
        self.administration = Administration(self)
        self._lock = threading.RLock()

    # --- life

    def start(self) -> None:
        """Repeats the command topic and starts what was running. A command that fails now is logged and left out.

        Raises:
            RemoteError: the broker does not answer.
            StateError: the command topic holds something else.
        """
        self.parts.commands.prepare()
        for sequence, command in self.parts.commands.replay():
            try:
                self._repeat(sequence, command)
            except BifrostError as error:
                _log.error("command %d (%s) cannot be repeated: %s", sequence, command.id, error)

    def close(self) -> None:
        """Stops all queries; state and offsets stay."""
        for push in list(self.push_queries.values()):
            push.finish()
        self.queries.stop()
        self.parts.commands.close()

    def now_ms(self) -> int:
        """The wall clock, epoch ms."""
        return self.parts.launcher.now_ms()

    def is_connected(self) -> bool:
        """Whether the brokers answer."""
        try:
            self.parts.environment.topic(self.parts.commands.name)
        except RemoteError:
            return False
        return True

    # --- statements

    def execute(self, text: str, session: Session) -> list[Result]:
        """Carries out all statements of a text, in order; all are checked before the first one is carried out.

        Raises:
            StatementError: one of them cannot be accepted; nothing was changed if the check found it.
            RemoteError: Kafka, the registry or Connect failed.
        """
        statements = parse_script(text, session.variables)
        with self._lock:
            self._check(statements, session)
            return [result for statement in statements for result in self._one(statement, session)]

    def _one(self, statement: ParsedStatement, session: Session) -> list[Result]:
        tree = statement.tree
        try:
            if session.apply(tree):
                return []
            match tree:
                case Query() | PrintTopic():
                    raise QueryElsewhere(statement.text)
                case InsertValues():
                    self.parts.inserts.write(self._insert(statement, session))
                    return []
                case TerminateQuery() | PauseQuery() | ResumeQuery():
                    return [self._control(statement)]
                case _ if isinstance(tree, _CHANGES):
                    return [self._change(statement, session)]
                case _:
                    return [self.administration.answer(statement, session)]
        except StatementError as error:
            error.statement = error.statement or statement.text
            raise

    def _check(self, statements: tuple[ParsedStatement, ...], session: Session) -> None:
        """Plans every statement that changes something, in order, on a copy of the metastore."""
        if len(statements) < 2:
            return
        trial, later = self.metastore.copy(), Session(dict(session.properties), dict(session.variables))
        for statement in statements:
            if later.apply(statement.tree) or not isinstance(statement.tree, _CHANGES):
                continue
            planned = self._planner(trial, later).plan(statement, query_number=self.parts.commands.next_offset)
            _enter(trial, planned)

    def _planner(self, metastore: MetaStore, session: Session) -> Planner:
        properties = {**self.parts.properties, **session.properties}
        functions = self.parts.functions.configured(properties)
        return Planner(metastore, functions, self.parts.environment, PlannerConfig.of(properties))

    def plan(self, statement: ParsedStatement, session: Session) -> Planned:
        """What a statement would be, without carrying it out.

        Raises:
            StatementError: it cannot be accepted.
        """
        return self._planner(self.metastore, session).plan(statement, query_number=self.parts.commands.next_offset)

    def _insert(self, statement: ParsedStatement, session: Session) -> InsertValuesPlan:
        planned = self.plan(statement, session)
        if not isinstance(planned, InsertValuesPlan):
            raise AnalysisError("INSERT VALUES expected", statement.text)
        return planned

    # --- statements that change something

    def _change(self, statement: ParsedStatement, session: Session) -> Result:
        planned = self.plan(statement, session)
        if isinstance(planned, NothingToDo):
            return Warned(statement.text, planned.message)
        self._make_topic(planned)
        query_id = planned.query.query_id if isinstance(planned, PersistentPlan) else None
        command = Command(_command_id(planned), planned.statement, dict(session.properties), query_id)
        sequence = self.parts.commands.append(command)
        message = self._carry_out(planned, session.properties)
        return self._note(Executed(planned.statement, command.id, message, sequence, query_id))

    def _make_topic(self, planned: Planned) -> None:
        if isinstance(planned, CreatePlan | PersistentPlan) and planned.topic is not None:
            self.parts.environment.make_topic(planned.topic)

    def _carry_out(self, planned: Planned, properties: Mapping[str, str]) -> str:
        """Carries out what was planned and tells it as ksqlDB does."""
        match planned:
            case PersistentPlan():
                return self._start_query(planned, properties)
            case DropPlan():
                return self._drop(planned)
            case _:
                _enter(self.metastore, planned)
                return _done_text(planned)

    def _start_query(self, planned: PersistentPlan, properties: Mapping[str, str]) -> str:
        if planned.replaces is not None and self.queries.find(planned.replaces) is not None:
            self.queries.stop_for_upgrade(planned.replaces)
        self.queries.start(planned, {**self.parts.properties, **properties})
        _enter(self.metastore, planned)
        return f"Created query with ID {planned.query.query_id}"

    def _drop(self, planned: DropPlan) -> str:
        if self.queries.find(planned.query_id) is not None and planned.query_id is not None:
            self.queries.terminate(planned.query_id)
        _enter(self.metastore, planned)
        source = planned.source
        if planned.delete_topic:
            self.parts.environment.delete_topic(source.topic)
        return f"Source `{source.name}` (topic: {source.topic}) was dropped."

    def _control(self, statement: ParsedStatement) -> Result:
        tree = statement.tree
        assert isinstance(tree, _CONTROLS)
        targets = [self.queries.get(tree.query_id)] if tree.query_id is not None else list(self.queries)
        verb = {TerminateQuery: "terminate", PauseQuery: "pause", ResumeQuery: "resume"}[type(tree)]
        command = Command(f"{verb}/{tree.query_id or 'ALL'}/execute", statement.text)
        sequence = self.parts.commands.append(command)
        self._control_each(tree, [query.id for query in targets])
        return self._note(Executed(statement.text, command.id, f"Query {_PAST[verb]}.", sequence))

    def _control_each(self, tree: TerminateQuery | PauseQuery | ResumeQuery, ids: list[str]) -> None:
        for query_id in ids:
            match tree:
                case TerminateQuery():
                    self.queries.terminate(query_id)
                case PauseQuery():
                    self.queries.get(query_id).runner.pause()
                case ResumeQuery():
                    self.queries.get(query_id).runner.resume()

    def _note(self, executed: Executed) -> Executed:
        self.statuses[executed.command_id] = executed
        return executed

    def _repeat(self, sequence: int, command: Command) -> None:
        session = Session(dict(command.properties))
        (statement,) = parse_script(command.statement)
        tree = statement.tree
        if isinstance(tree, _CONTROLS):
            ids = [tree.query_id] if tree.query_id is not None else [query.id for query in self.queries]
            self._control_each(tree, [query_id for query_id in ids if self.queries.find(query_id)])
            message = f"Query {_PAST[command.id.split('/')[0]]}."
        else:
            planner = self._planner(self.metastore, session)
            planned = planner.plan(statement, query_number=sequence, query_id=command.query_id)
            message = self._carry_out(planned, session.properties)
        self._note(Executed(command.statement, command.id, message, sequence, command.query_id))

    # --- queries that a person asks

    def query(self, text: str, session: Session) -> PushQuery | PullResult:
        """Starts a push query, or answers a pull query.

        Raises:
            StatementError: the text is not one query, or one that cannot be accepted.
            NotReady: the state that a pull query needs is still being loaded.
        """
        statement = self._only_query(text, session)
        planned = self.plan(statement, session)
        match planned:
            case PushPlan() | StreamPullPlan():
                return self._push(planned, session)
            case PullPlan():
                return run_pull(planned, self.queries, self._functions(session))
            case _:
                raise AnalysisError("not a query", statement.text)

    def _functions(self, session: Session) -> FunctionRegistry:
        return self.parts.functions.configured({**self.parts.properties, **session.properties})

    def _only_query(self, text: str, session: Session) -> ParsedStatement:
        statements = [entry for entry in parse_script(text, session.variables) if not session.apply(entry.tree)]
        if len(statements) != 1:
            raise AnalysisError(f"Expected exactly one KSQL statement; found {len(statements)} instead", text)
        if not isinstance(statements[0].tree, Query):
            raise NotAQuery(statements[0].text)
        return statements[0]

    def _push(self, planned: PushPlan | StreamPullPlan, session: Session) -> PushQuery:
        properties = {**self.parts.properties, **session.properties}
        push = PushQuery(planned, self.parts.launcher, properties)
        push.start()
        self.push_queries[push.id] = push
        return push

    def close_query(self, query_id: str) -> bool:
        """Ends a push query; False when there is none of that id."""
        push = self.push_queries.pop(query_id, None)
        if push is not None:
            push.finish()
        return push is not None


_PAST = {"terminate": "terminated", "pause": "paused", "resume": "resumed"}


def _enter(metastore: MetaStore, planned: Planned) -> None:
    """Makes a metastore show what was planned."""
    match planned:
        case CreatePlan() | AlterPlan():
            metastore.put(planned.source, metastore.links.get(planned.source.name, frozenset()))
        case PersistentPlan() if not planned.inserts:
            metastore.put(planned.sink, planned.sources)
        case DropPlan():
            metastore.drop(planned.source.name)
        case CreateTypePlan():
            metastore.types[planned.name] = planned.type
        case DropTypePlan():
            metastore.types.pop(planned.name, None)
        case _:
            pass


def _command_id(planned: Planned) -> str:
    """The id of a command, as ksqlDB makes them."""
    match planned:
        case CreatePlan():
            return f"{planned.source.kind.value.lower()}/`{planned.source.name}`/create"
        case PersistentPlan() if planned.inserts:
            return f"stream/`{planned.query.query_id}`/create"
        case PersistentPlan():
            return f"{planned.sink.kind.value.lower()}/`{planned.sink.name}`/create"
        case AlterPlan():
            return f"{planned.source.kind.value.lower()}/{planned.source.name}/alter"
        case DropPlan():
            return f"{planned.source.kind.value.lower()}/{planned.source.name}/drop"
        case CreateTypePlan():
            return f"type/{planned.name}/create"
        case DropTypePlan():
            return f"type/{planned.name}/drop"
        case _:
            raise UnsupportedError(f"{type(planned).__name__} does not change anything")


def _done_text(planned: Planned) -> str:
    """What ksqlDB says when it is done."""
    match planned:
        case CreatePlan():
            return f"{planned.source.kind.value.capitalize()} created"
        case AlterPlan():
            return f"{planned.source.kind.value.capitalize()} {planned.source.name} altered."
        case CreateTypePlan():
            return f"Registered custom type with name '{planned.name}' and SQL type {planned.type}"
        case DropTypePlan():
            return f"Type '{planned.name}' dropped"
        case _:
            return "Done"
