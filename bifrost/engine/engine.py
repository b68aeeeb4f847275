"""The facade of the embedded ksqlDB: executes statements, runs queries.

One engine owns one service id on one cluster. Statements that change it are checked, written to the command topic and
then executed, so a restart, which replays the command topic, leads to the same state.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.planner.outcome import InsertValuesPlan, LookupKind, PullPlan, PushPlan, StreamPullPlan
from bifrost.engine.queries.json_rows import insert_target, json_row
from bifrost.engine.queries.printing import PrintQuery
from bifrost.engine.queries.pull import PullResult, run_pull
from bifrost.engine.queries.push import PushQuery
from bifrost.engine.runtime.insert_producer import WriteCallback
from bifrost.engine.runtime.topic_reader import TopicReader
from bifrost.engine.statements.assert_topic_schema import AssertStatements
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.statements.connectors import ConnectorStatements
from bifrost.engine.statements.definitions import CONTROLS, DEFINITIONS, DefinitionStatements
from bifrost.engine.statements.engine_state import EngineParts, EngineState
from bifrost.engine.statements.figures import Figure, engine_figures, query_figures
from bifrost.engine.statements.results import CommandResult, Result, TerminateResult
from bifrost.engine.statements.show_and_describe import ShowStatements
from bifrost.errors import AnalysisError, NotAQuery, QueryElsewhere, RemoteError, StatementError
from bifrost.sql.parser import SUBSTITUTION, parse_script
from bifrost.sql.tree import AssertSchema, AssertTopic, InsertValues, ParsedStatement, PrintTopic, Query, TerminateQuery

_RETRY_S = 1.0
_COMMAND_TIMEOUT_MS = 5000
_log = logging.getLogger(__name__)


PlannedQuery = PushPlan | StreamPullPlan | PullPlan | PrintTopic


class KsqlEngine:
    """Executes statements and runs queries. Thread-safe."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        self.state = EngineState(parts)
        self.changes = DefinitionStatements(self.state)
        self.push_queries: dict[str, PushQuery] = {}
        self._connectors = ConnectorStatements(parts.connect)
        self._asserts = AssertStatements(parts.environment, parts.properties)
        self._administration = ShowStatements(self.state, self.push_queries)
        self._lock = threading.RLock()
        self._closed = threading.Event()

    # --- life

    def start(self) -> None:
        """Replays the command topic and starts its queries; waits for the schema registry if necessary.

        Raises:
            RemoteError: the broker does not answer.
            StateError: a record of the command topic is not a command.
        """
        hosts = self.parts.launcher.hosts
        if hosts is not None:
            hosts.start()
        self.parts.commands.prepare()
        self.parts.launcher.log.prepare()
        with self._lock:
            self.changes.replay(self._wait)

    def _wait(self, problem: str) -> None:
        _log.warning("%s", problem)
        self._closed.wait(_RETRY_S)

    def close(self) -> None:
        """Stops all queries; state and offsets stay."""
        self._closed.set()
        for push in list(self.push_queries.values()):
            push.finish()
        self.state.queries.stop()
        if self.parts.launcher.hosts is not None:
            self.parts.launcher.hosts.close()
        self.parts.inserts.close()
        self.parts.commands.close()

    @property
    def has_workers(self) -> bool:
        """Whether persistent queries run in other processes, so that a look-up by key has to wait for one of them."""
        return self.parts.launcher.hosts is not None

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

    def figures(self) -> list[Figure]:
        """The figures of the engine and its persistent queries."""
        logged = self.parts.launcher.logged
        queries = [figure for query in self.state.queries for figure in query_figures(query, logged(query.id))]
        return [*queries, *engine_figures(len(self.push_queries), len(self.state.failures))]

    # --- statements

    def execute(self, text: str, session: ClientSession) -> list[Result]:
        """Executes all statements of a text in order; checks all of them before it executes the first.

        Raises:
            StatementError: a statement is invalid; if the check found it, nothing was changed.
            RemoteError: Kafka, the registry or Connect failed.
        """
        statements = self._parse(text, session)
        # Only statements that change the engine wait for one another: a slow CREATE must not hold up SHOW or DESCRIBE.
        if len(statements) > 1 and any(isinstance(statement.tree, DEFINITIONS) for statement in statements):
            with self._lock:
                self.changes.check(statements, session)
        return [result for statement in statements for result in self._one(statement, session)]

    def _parse(self, text: str, session: ClientSession) -> tuple[ParsedStatement, ...]:
        self.state.check_overrides(session)
        substitutes = self.state.properties(session).get(SUBSTITUTION, "true").strip().lower() != "false"
        return parse_script(text, session.variables, substitutes=substitutes)

    def _one(self, statement: ParsedStatement, session: ClientSession) -> list[Result]:
        tree = statement.tree
        try:
            if session.apply(tree):
                return []
            match tree:
                case Query() | PrintTopic():
                    raise QueryElsewhere(statement.text)
                case InsertValues():
                    self._insert_values(statement, session)
                    return []
                case AssertTopic():
                    return [self._asserts.topic(statement.text, tree)]
                case AssertSchema():
                    return [self._asserts.schema(statement.text, tree)]
                case TerminateQuery(query_id=str(query_id)) if self.close_query(query_id):
                    return [TerminateResult(statement.text, query_id)]
                case _ if isinstance(tree, CONTROLS):
                    with self._lock:
                        return [self.changes.control(statement)]
                case _ if isinstance(tree, DEFINITIONS):
                    with self._lock:
                        return [self.changes.define(statement, session)]
                case _:
                    answer = self._connectors.answer(statement)
                    return [answer or self._administration.answer(statement, session)]
        except StatementError as error:
            error.statement = error.statement or statement.text
            raise

    def _insert_values(self, statement: ParsedStatement, session: ClientSession) -> None:
        planned = self.state.planner(session).plan(statement)
        if not isinstance(planned, InsertValuesPlan):
            raise AnalysisError("INSERT VALUES expected", statement.text)
        self.parts.inserts.write(planned)

    def insert_target(self, name: str) -> DataSource:
        """Returns the source that rows of /inserts-stream are inserted into.

        Raises:
            AnalysisError: it does not exist or cannot be written.
        """
        return insert_target(name, self.state.metastore)

    def insert(self, target: DataSource, row: object, written: WriteCallback) -> None:
        """Queues a JSON row; `written` receives the outcome, on another thread.

        Raises:
            AnalysisError, SerdeError: the row does not fit.
            Refused: it cannot be queued.
        """
        if not isinstance(row, dict):
            raise AnalysisError("Invalid JSON: a row must be an object")
        key, value = json_row(target, row)
        self.parts.inserts.send(target, key, value, written)

    def terminate(self, topics: Sequence[str]) -> CommandResult:
        """Stops all queries, drops all sources, and deletes the topics of sources that match one of the patterns.

        Raises:
            RemoteError: the broker does not answer.
        """
        patterns = [re.compile(pattern) for pattern in topics]
        with self._lock:
            sources = list(self.state.metastore)
            self.changes.forget_all()
            for source in sources:
                if any(pattern.fullmatch(source.topic) for pattern in patterns):
                    self.parts.environment.delete_topic(source.topic)
        return CommandResult("TERMINATE CLUSTER;", "cluster/TerminateCluster/terminate", "Cluster terminated.", 0)

    @property
    def last_command(self) -> int:
        """The sequence number of the last command that was written; -1 before the first."""
        return self.parts.commands.next_offset - 1

    @property
    def command_timeout_ms(self) -> int:
        """How long a request waits for the command that it names by its sequence number."""
        return int(self.parts.properties.get("ksql.server.command.response.timeout.ms", _COMMAND_TIMEOUT_MS))

    @property
    def statuses(self) -> dict[str, CommandResult]:
        """The outcome of each command, by id."""
        return self.changes.statuses

    # --- push and pull queries

    def query(self, text: str, session: ClientSession) -> PushQuery | PullResult | PrintQuery:
        """Starts a push query or PRINT, or answers a pull query.

        Raises:
            StatementError: the text is not exactly one valid query.
            NotReady: the state that a pull query needs is still being loaded.
        """
        return self.run(self.plan_query(text, session), session)

    def plan_query(self, text: str, session: ClientSession) -> PlannedQuery:
        """Plans a query; it calls no other server, so it is quick.

        Raises:
            StatementError: the text is not exactly one valid query.
        """
        plans = self.state.pull_plans
        known = plans.find(text, session)
        if known is not None:
            return known
        planned = self._planned_query(text, session)
        if isinstance(planned, PullPlan):
            plans.remember(text, session, planned)
        return planned

    def is_quick(self, text: str, session: ClientSession) -> bool:
        """Whether a query is a look-up by key with a known plan, in a table of this process."""
        if self.has_workers:
            return False
        plan = self.state.pull_plans.find(text, session)
        return plan is not None and plan.kind is LookupKind.KEYS

    def _planned_query(self, text: str, session: ClientSession) -> PlannedQuery:
        statement = self._only_query(text, session)
        if isinstance(statement.tree, PrintTopic):
            return statement.tree
        planned = self.state.planner(session).plan(statement)
        if not isinstance(planned, PushPlan | StreamPullPlan | PullPlan):
            raise AnalysisError("not a query", statement.text)
        return planned

    def run(self, planned: PlannedQuery, session: ClientSession) -> PushQuery | PullResult | PrintQuery:
        """Starts or answers a planned query; see `query`."""
        match planned:
            case PrintTopic():
                return self._print(planned)
            case PullPlan():
                return run_pull(planned, self.state.queries, self.state.functions(session), self.now_ms())
            case _:
                return self._push(planned, session)

    def _only_query(self, text: str, session: ClientSession) -> ParsedStatement:
        statements = [entry for entry in self._parse(text, session) if not session.apply(entry.tree)]
        if len(statements) != 1:
            raise AnalysisError(f"Expected exactly one KSQL statement; found {len(statements)} instead", text)
        if not isinstance(statements[0].tree, Query | PrintTopic):
            raise NotAQuery(statements[0].text)
        return statements[0]

    def _print(self, tree: PrintTopic) -> PrintQuery:
        parts = self.parts
        if parts.environment.topic(tree.topic) is None:
            raise AnalysisError(
                f"Could not find topic '{tree.topic}', or the KSQL user does not have permissions to list "
                f"the topic. Topic names are case-sensitive."
            )
        if tree.limit is not None and tree.limit < 0:
            raise AnalysisError(f"LIMIT must not be negative, but is {tree.limit}.")
        group = f"_confluent-ksql-{parts.launcher.service_id}print"

        def open_topic() -> TopicReader:
            return TopicReader(parts.launcher.cluster, tree.topic, group, from_beginning=tree.from_beginning)

        return PrintQuery(tree, open_topic, parts.environment.registry)

    def _push(self, planned: PushPlan | StreamPullPlan, session: ClientSession) -> PushQuery:
        query_id = planned.query.query_id
        push = PushQuery(planned, self.parts.launcher, self.state.properties(session), lambda: self._forget(query_id))
        self.push_queries[push.id] = push
        try:
            push.start()
        except BaseException:
            self._forget(query_id)
            raise
        return push

    def _forget(self, query_id: str) -> None:
        self.push_queries.pop(query_id, None)

    def close_query(self, query_id: str) -> bool:
        """Ends a push query; returns False if the id is unknown."""
        push = self.push_queries.get(query_id)
        if push is not None:
            push.finish()
        return push is not None
