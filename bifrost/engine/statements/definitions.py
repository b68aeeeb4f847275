"""Carries out statements that change the engine: plans them, writes them to the command topic, executes them.

At a start, it replays the command topic.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from bifrost.engine.analysis.error_context import attach_statement
from bifrost.engine.planner import check_upgrade
from bifrost.engine.planner.metastore_changes import apply_to_metastore
from bifrost.engine.planner.outcome import (
    AlterPlan,
    CreatePlan,
    CreateTypePlan,
    DropPlan,
    DropTypePlan,
    NothingToDo,
    PersistentPlan,
    Planned,
)
from bifrost.engine.planner.properties import check_name_in_statement, check_value, warning_for
from bifrost.engine.planner.trial_environment import TrialEnvironment, has_subject
from bifrost.engine.queries.persistent import PersistentQuery
from bifrost.engine.runtime.commands import Command
from bifrost.engine.runtime.environment import RememberedEnvironment
from bifrost.engine.serde import RegistryUnavailable
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.engine_state import EngineState
from bifrost.engine.statements.results import CommandResult, Result, WarningResult
from bifrost.errors import AnalysisError, BifrostError, NotReady, Unreachable, UnsupportedError
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import (
    AlterSource,
    AlterSystem,
    CreateAsSelect,
    CreateSource,
    CreateType,
    DropSource,
    DropType,
    InsertSelect,
    ParsedStatement,
    PauseQuery,
    ResumeQuery,
    TerminateQuery,
)

_QUERY_LIMIT = "ksql.query.persistent.active.limit"
_NO_LIMIT = "2147483647"
_log = logging.getLogger(__name__)

DEFINITIONS = (CreateSource, CreateAsSelect, InsertSelect, DropSource, AlterSource, CreateType, DropType)
CONTROLS = (TerminateQuery, PauseQuery, ResumeQuery, AlterSystem)


class DefinitionStatements:
    """Carries out the statements that change an engine, one at a time: callers must hold the engine's lock."""

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._parts = state.parts
        self.statuses: dict[str, CommandResult] = {}

    # --- definitions

    def check(self, statements: tuple[ParsedStatement, ...], session: ClientSession) -> None:
        """Plans all statements on a copy of the metastore, so that none is executed if one is invalid.

        Raises:
            StatementError: a statement is invalid.
        """
        # A single statement is planned when it is carried out.
        if len(statements) < 2:
            return
        trial, later = self._state.metastore.copy(), ClientSession(dict(session.properties), dict(session.variables))
        environment = TrialEnvironment(self._parts.environment)
        for statement in statements:
            with attach_statement(statement.text):
                if later.apply(statement.tree) or not isinstance(statement.tree, DEFINITIONS):
                    continue
                planner = self._state.planner(later, metastore=trial, environment=environment)
                planned = planner.plan(statement, query_number=self._parts.commands.next_offset)
                environment.make(planned)
                apply_to_metastore(trial, planned)

    def define(self, statement: ParsedStatement, session: ClientSession) -> Result:
        """Carries out a statement of `DEFINITIONS`.

        Raises:
            StatementError: the statement is invalid.
            RemoteError, RegistryUnavailable: its topics or schemas cannot be created.
        """
        # As in ksqlDB, the number in a query's id is the offset of its command.
        planned = self._state.planner(session).plan(statement, query_number=self._parts.commands.next_offset)
        if isinstance(planned, NothingToDo):
            return self._nothing_to_do(statement, planned, session)
        self._check_drop(planned)
        self._check_replacement(planned)
        self._check_limit(statement, planned)
        query = self._prepare_resources(planned, session)
        command = Command(
            id=_command_id(planned),
            statement=planned.statement,
            properties=dict(session.properties),
            query_id=query.id if query is not None else None,
            partitions=_partitions(planned),
        )
        sequence = self._parts.commands.append(command)
        # The command is durable now: what can fail was done before, or a restart would find a command that
        # never worked.
        message = self._execute(planned, query)
        shown = query.id if query is not None and isinstance(planned, PersistentPlan) else None
        # As in ksqlDB, the response shows the completed text only of statements that name topics and columns.
        shown_statement = (
            planned.statement if isinstance(planned, CreatePlan | PersistentPlan | DropPlan) else statement.text
        )
        return self._record_result(CommandResult(shown_statement, command.id, message, sequence, shown))

    def _nothing_to_do(self, statement: ParsedStatement, planned: NothingToDo, session: ClientSession) -> Result:
        if not isinstance(statement.tree, DropSource | DropType):
            return WarningResult(statement.text, planned.message)
        self._drop_failures(statement)
        # As in ksqlDB, DROP IF EXISTS is a command even if there is nothing to drop.
        kind = statement.tree.kind.value.lower() if isinstance(statement.tree, DropSource) else "type"
        command = Command(f"{kind}/{statement.tree.name}/drop", planned.statement, dict(session.properties))
        return self._record_result(
            CommandResult(planned.statement, command.id, planned.message, self._parts.commands.append(command))
        )

    def _check_drop(self, planned: Planned) -> None:
        if not isinstance(planned, DropPlan):
            return
        name, own = planned.source.name, planned.query_id
        readers = [query.id for query in self._state.queries.readers(name) if query.id != own]
        writers = [query.id for query in self._state.queries.writers(name) if query.id != own]
        if readers or writers:
            raise AnalysisError(
                f"Cannot drop {name}.\n"
                f"The following queries read from this source: [{', '.join(readers)}].\n"
                f"The following queries write into this source: [{', '.join(writers)}].\n"
                f"You need to terminate them before dropping {name}.",
                planned.statement,
            )

    def _check_replacement(self, planned: Planned) -> None:
        if not isinstance(planned, PersistentPlan) or planned.replaces is None:
            return
        writers = sorted(query.id for query in self._state.queries.writers(planned.sink.name))
        if len(writers) > 1:
            raise AnalysisError(
                f"REPLACE for sink {planned.sink.name} is not supported because there are multiple queries writing "
                f"into it: [{', '.join(writers)}]",
                planned.statement,
            )
        running = self._state.queries.find(planned.replaces)
        if running is not None:
            check_upgrade(running.plan, planned.query)

    def _check_limit(self, statement: ParsedStatement, planned: Planned) -> None:
        """Refuses a query beyond the limit of a server, in ksqlDB's words."""
        makes_query = isinstance(planned, PersistentPlan) or (isinstance(planned, CreatePlan) and planned.query)
        replaces = planned.replaces if isinstance(planned, PersistentPlan) else None
        count, limit = len(self._state.queries), int(self._parts.properties.get(_QUERY_LIMIT, _NO_LIMIT))
        if makes_query and self._state.queries.find(replaces) is None and count >= limit:
            raise AnalysisError(
                f"Not executing statement(s) '{statement.text}' as it would cause the number of active, persistent "
                "queries to exceed the configured limit. Use the TERMINATE command to terminate existing queries, or "
                f"increase the '{_QUERY_LIMIT}' setting via the 'ksql-server.properties' file. "
                f"Current persistent query count: {count}. Configured limit: {limit}.",
                statement.text,
            )

    def _prepare_resources(self, planned: Planned, session: ClientSession) -> PersistentQuery | None:
        """Creates what the statement needs before its command is written: topics, schemas, and the compiled query."""
        if isinstance(planned, CreatePlan | PersistentPlan) and planned.topic is not None:
            self._parts.environment.make_topic(planned.topic)
        if isinstance(planned, CreatePlan):
            self._register_if_new(planned)
        query = self._query(planned, session)
        if query is not None:
            if query.sink is not None:
                self._parts.launcher.register(query.sink)
            query.runner.prepare()
        return query

    def _register_if_new(self, planned: CreatePlan) -> None:
        """Registers the columns that a statement lists, unless their subject has a schema, as ksqlDB does."""
        if not planned.replaces and not has_subject(self._parts.environment.registry, planned.source):
            self._parts.launcher.register(planned.source)

    def _query(self, planned: Planned, session: ClientSession) -> PersistentQuery | None:
        make = self._state.queries.create
        match planned:
            case PersistentPlan():
                return make(planned.statement, planned.query, planned.sink, session.properties, self._parts.properties)
            case CreatePlan(query=plan) if plan is not None:
                return make(planned.statement, plan, None, session.properties, self._parts.properties)
            case _:
                return None

    def _execute(self, planned: Planned, query: PersistentQuery | None) -> str:
        """Executes the plan and returns ksqlDB's message."""
        if isinstance(planned, DropPlan):
            return self._drop(planned)
        self._enter(planned)
        if query is not None:
            self._state.queries.start(query)
        return _done_text(planned)

    def _drop(self, planned: DropPlan) -> str:
        if planned.query_id is not None and self._state.queries.find(planned.query_id) is not None:
            # Before its topic is deleted: a query that still runs would write into it.
            self._state.queries.terminate(planned.query_id)
        self._enter(planned)
        source = planned.source
        if planned.delete_topic:
            self._parts.environment.delete_topic(source.topic)
        return f"Source `{source.name}` (topic: {source.topic}) was dropped."

    # --- controls

    def control(self, statement: ParsedStatement) -> Result:
        """Carries out a statement of `CONTROLS`: terminates, pauses or resumes queries, or sets a server property.

        Raises:
            AnalysisError: no such query or property exists, or the property's value is invalid.
        """
        tree = statement.tree
        assert isinstance(tree, CONTROLS)
        had_failed = self._drop_failures(statement)
        # A command that failed at the start has no running query, but can be terminated.
        if not isinstance(tree, AlterSystem) and tree.query_id is not None and not had_failed:
            self._state.queries.get(tree.query_id)
        if isinstance(tree, AlterSystem):
            check_name_in_statement(tree.name)
            check_value(tree.name, tree.value)
        command = Command(_control_id(tree), statement.text)
        sequence = self._parts.commands.append(command)
        return self._record_result(CommandResult(statement.text, command.id, self._execute_control(tree), sequence))

    def _execute_control(self, tree: TerminateQuery | PauseQuery | ResumeQuery | AlterSystem) -> str:
        if isinstance(tree, AlterSystem):
            self._parts.properties[tree.name] = tree.value
            self._state.changed()
            warning = warning_for(tree.name, tree.value)
            return f"System property {tree.name} was set to {tree.value}." + (f" {warning}" if warning else "")
        queries = self._state.queries
        every = list(queries) if tree.query_id is None else [queries.find(tree.query_id)]
        for query in every:
            if query is None:
                continue
            match tree:
                case TerminateQuery():
                    queries.terminate(query.id)
                case PauseQuery():
                    query.runner.pause()
                case ResumeQuery():
                    query.runner.resume()
        return f"Query {_PAST_TENSE[type(tree)]}."

    def forget_all(self) -> None:
        """Terminates all queries and removes all definitions and the history of commands."""
        for query in self._state.queries:
            self._state.queries.terminate(query.id)
        self._state.metastore.clear()
        self._state.drop_failures(lambda failure: True)
        self._state.changed()
        self.statuses.clear()
        self._parts.commands.forget()

    # --- at a start

    def replay(self, wait: Callable[[str], None]) -> None:
        """Replays the command topic and starts the queries that were running.

        A command that fails is listed among the queries, in state ERROR with its cause, until it is dropped.

        Args:
            wait: pauses before the next attempt while the broker or the registry is unavailable; gets the reason.

        Raises:
            RemoteError: the command topic cannot be read.
            StateError: the command topic has a record that is not a command.
        """
        environment = RememberedEnvironment(self._parts.environment)
        started: dict[str, PersistentQuery] = {}
        commands = list(self._parts.commands.replay())
        environment.describe({name for _, command in commands for name in command.partitions})
        for sequence, command in commands:
            environment.remember(command.partitions)
            while True:
                try:
                    self._replay_command(sequence, command, environment, started)
                except (RegistryUnavailable, Unreachable, NotReady) as error:
                    wait(f"command {sequence} ({command.id}) waits: {error}")
                    continue
                except BifrostError as error:
                    _log.error("command %d (%s) cannot be replayed: %s", sequence, command.id, error)
                    self._state.add_failure(command, str(error))
                break
        # Only after the last command, which may terminate or replace a query of an earlier one.
        for query in started.values():
            self._state.queries.start(query)

    def _replay_command(
        self, sequence: int, command: Command, environment: RememberedEnvironment, started: dict[str, PersistentQuery]
    ) -> None:
        (statement,) = parse_script(command.statement)
        session = ClientSession(dict(command.properties))
        self._drop_failures(statement)
        if isinstance(statement.tree, CONTROLS):
            message = self._replay_control(statement.tree, started)
        else:
            planner = self._state.planner(session, environment=environment)
            planned = planner.plan(statement, query_number=sequence, query_id=command.query_id)
            message = self._replay_definition(planned, session, started)
        self._record_result(CommandResult(command.statement, command.id, message, sequence, command.query_id))

    def _replay_definition(self, planned: Planned, session: ClientSession, started: dict[str, PersistentQuery]) -> str:
        if isinstance(planned, NothingToDo):
            return planned.message
        if isinstance(planned, DropPlan):
            started.pop(planned.query_id or "", None)
            self._enter(planned)
            return f"Source `{planned.source.name}` (topic: {planned.source.topic}) was dropped."
        query = self._query(planned, session)
        self._enter(planned)
        if query is not None:
            # A replaced query has the same id, so only the newest one is started.
            started[query.id] = query
        return _done_text(planned)

    def _replay_control(
        self, tree: TerminateQuery | PauseQuery | ResumeQuery | AlterSystem, started: dict[str, PersistentQuery]
    ) -> str:
        if isinstance(tree, AlterSystem):
            return self._execute_control(tree)
        for query_id in [tree.query_id] if tree.query_id is not None else list(started):
            query = started.get(query_id)
            if query is None:
                continue
            match tree:
                case TerminateQuery():
                    del started[query_id]
                case PauseQuery():
                    query.runner.pause()
                case ResumeQuery():
                    query.runner.resume()
        return f"Query {_PAST_TENSE[type(tree)]}."

    def _drop_failures(self, statement: ParsedStatement) -> bool:
        """Removes failed commands that a TERMINATE or DROP names; returns whether there were any."""
        match statement.tree:
            case TerminateQuery(query_id=None):
                return self._state.drop_failures(lambda failure: failure.command.query_id is not None)
            case TerminateQuery(query_id=query_id):
                return self._state.drop_failures(lambda failure: failure.id == query_id)
            case DropSource(name=name):
                return self._state.drop_failures(lambda failure: failure.name == name)
            case _:
                return False

    def _enter(self, planned: Planned) -> None:
        apply_to_metastore(self._state.metastore, planned)
        self._state.changed()

    def _record_result(self, executed: CommandResult) -> CommandResult:
        self.statuses[executed.command_id] = executed
        return executed


_PAST_TENSE: dict[type[object], str] = {TerminateQuery: "terminated", PauseQuery: "paused", ResumeQuery: "resumed"}
_VERBS: dict[type[object], str] = {TerminateQuery: "terminate", PauseQuery: "pause", ResumeQuery: "resume"}


def _partitions(planned: Planned) -> dict[str, int]:
    """Partition counts of the statement's topics, in case a topic no longer exists when the command is replayed."""
    match planned:
        case PersistentPlan():
            return {planned.sink.topic: planned.sink.partitions}
        case CreatePlan():
            return {planned.source.topic: planned.source.partitions}
        case _:
            return {}


def _command_id(planned: Planned) -> str:
    """The id of the command, in ksqlDB's format."""
    match planned:
        case PersistentPlan() if planned.inserts:
            return f"stream/`{planned.query.query_id}`/create"
        case PersistentPlan():
            return f"{planned.sink.kind.value.lower()}/`{planned.sink.name}`/create"
        case CreatePlan():
            return f"{planned.source.kind.value.lower()}/`{planned.source.name}`/create"
        case AlterPlan():
            return f"{planned.source.kind.value.lower()}/{planned.source.name}/alter"
        case DropPlan():
            return f"{planned.source.kind.value.lower()}/{planned.source.name}/drop"
        case CreateTypePlan():
            return f"type/{planned.name}/create"
        case DropTypePlan():
            return f"type/{planned.name}/drop"
        case _:
            raise UnsupportedError(f"{type(planned).__name__} does not change the engine")


def _control_id(tree: TerminateQuery | PauseQuery | ResumeQuery | AlterSystem) -> str:
    if isinstance(tree, AlterSystem):
        return f"cluster/{tree.name}/alter"
    return f"{_VERBS[type(tree)]}/{tree.query_id or 'ALL'}/execute"


def _done_text(planned: Planned) -> str:
    """ksqlDB's message for an executed plan."""
    match planned:
        case PersistentPlan():
            return f"Created query with ID {planned.query.query_id}"
        case CreatePlan(query=query) if query is not None:
            return f"Created query with ID {query.query_id}"
        case CreatePlan():
            return f"{planned.source.kind.value.capitalize()} created"
        case AlterPlan():
            return f"{planned.source.kind.value.capitalize()} {planned.source.name} altered."
        case CreateTypePlan():
            return f"Registered custom type with name '{planned.name}' and SQL type {planned.type}"
        case DropTypePlan():
            return f"Dropped type '{planned.name}'"
        case _:
            return "Done"
