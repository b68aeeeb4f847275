"""Runs declared statements in ksqlDB, several in one request where they need no wait between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bifrost.clients.http import Clock
from bifrost.deployer.apply.await_running import POLL_S, connectors_not_running, failure
from bifrost.deployer.apply.joined_tables import JoinedTables
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.live.read_live import read_ksqldb
from bifrost.deployer.live.state import LiveState, Platform
from bifrost.deployer.plan.statements import statements_to_run
from bifrost.errors import NotReady, Refused, Unreachable

STATEMENTS_PER_REQUEST = 16
"""A server may take a second for each statement, and its answer must come within the deadline."""
SUBJECT_PATIENCE_S = 90.0
STATEMENT_PATIENCE_S = 180.0
"""Long enough for a ksqlDB server with many queries to restart."""

_TRANSIENT = ("command topic", "Not leader for partition", "Leader not available")
"""Texts of a server error that waiting cures: nothing was carried out."""


class StatementRuns:
    """Runs statements on a platform; waits for the schemas that their columns are taken from."""

    def __init__(self, platform: Platform, declared: Declarations, clock: Clock) -> None:
        self._platform = platform
        self._declared = declared
        self._clock = clock
        self._subjects: frozenset[str] = frozenset()
        self._joined_tables = JoinedTables(platform, declared, clock)

    def expect_first_records(self, connector: str) -> None:
        """Note that a new connector fills its declared topics from now on."""
        self._joined_tables.expect_first_records(connector)

    def run(
        self,
        statements: Sequence[DeclaredStatement],
        on_run: Callable[[DeclaredStatement], None] = lambda _statement: None,
    ) -> None:
        """Run these statements, each after those that it depends on.

        One that waits for its schema does not hold up those that do not need it.

        Args:
            on_run: is called before each statement.

        Raises:
            Refused: a statement was refused; names its file and line. Those before it have been carried out.
            NotReady, Unreachable: ksqlDB did not carry a statement out in time, or a schema was not registered.
        """
        remaining = list(statements)
        while remaining:
            batch = self._next_batch(remaining)
            if not batch and (waiting := next(filter(self._lacks_subjects, remaining), None)):
                self._await_subjects(waiting)
                continue
            # INSERT statements may feed the tables that each other's sources join: then the first one begins.
            batch = batch or [remaining[0]]
            self._joined_tables.await_filled(batch)
            for statement in batch:
                on_run(statement)
            if len(batch) == 1:
                self._run_one(batch[0])
            else:
                self._run_together(batch)
            done = {statement.name for statement in batch}
            remaining = [statement for statement in remaining if statement.name not in done]

    def _next_batch(self, remaining: Sequence[DeclaredStatement]) -> list[DeclaredStatement]:
        """Statements for one request: with the same properties, and with nothing before them that must wait."""
        if any(map(self._lacks_subjects, remaining)):
            self._subjects = frozenset(self._platform.registry.subjects())
        waiting: set[str] = set()
        not_run = {statement.name for statement in remaining}
        batch: list[DeclaredStatement] = []
        for statement in remaining:
            fits = not batch or (statement.properties == batch[0].properties and len(batch) < STATEMENTS_PER_REQUEST)
            # A source that is declared on a topic needs the query that writes it.
            is_ready = not self._lacks_subjects(statement) and waiting.isdisjoint(
                {*statement.reads, f"topic {statement.topic}"}
            )
            # The tables that it joins must be filled, and what fills them starts with a request before.
            is_ready = is_ready and not_run.isdisjoint(self._joined_tables.filled_by(statement) - {statement.name})
            if fits and is_ready:
                batch.append(statement)
            else:
                waiting |= {statement.name, *([f"topic {statement.topic}"] if statement.topic else [])}
        return batch

    def _lacks_subjects(self, statement: DeclaredStatement) -> bool:
        return not self._subjects.issuperset(statement.awaited_subjects)

    def _run_together(self, batch: Sequence[DeclaredStatement]) -> None:
        text = "\n".join(statement.text for statement in batch)
        try:
            self._platform.ksqldb.execute(text, properties=batch[0].properties)
        except (Unreachable, NotReady, Refused):
            # The server may have carried out some of them, and its error names neither file nor line.
            for statement in self._missing(batch):
                self._run_one(statement)

    def _run_one(self, statement: DeclaredStatement) -> None:
        deadline = self._clock.monotonic() + STATEMENT_PATIENCE_S
        while True:
            try:
                self._platform.ksqldb.execute(statement.text, properties=statement.properties)
                return
            except (Unreachable, NotReady, Refused) as error:
                # The answer may be lost although the statement was carried out.
                if not self._missing([statement]):
                    return
                if not _is_transient(error) or self._clock.monotonic() > deadline:
                    raise _with_place(error, statement) from error
                self._clock.sleep(1.0)

    def _missing(self, statements: Sequence[DeclaredStatement]) -> list[DeclaredStatement]:
        """Those that have not been carried out; rows of a table always count, as sending one again changes nothing."""
        sources, queries, types = read_ksqldb(self._platform.ksqldb)
        known = {item.name for item in self._declared.statements}
        # Statements of other pipelines are recreated with what they read.
        others = tuple(item for item in statements if item.name not in known)
        declared = replace(self._declared, statements=(*self._declared.statements, *others))
        left = statements_to_run(declared, LiveState(sources=sources, queries=queries, types=types))
        return [item for item in statements if item.name in left]

    def _await_subjects(self, statement: DeclaredStatement) -> None:
        """Waits for schemas that a connector registers with its first record, which a statement takes columns from."""
        deadline = self._clock.monotonic() + SUBJECT_PATIENCE_S
        writers = [
            topic.connector for topic in self._declared.topics if topic.name == statement.topic and topic.connector
        ]
        while missing := set(statement.awaited_subjects) - self._subjects:
            self._subjects = frozenset(self._platform.registry.subjects())
            if self._subjects.issuperset(missing):
                return
            not_running = (
                [found for found in connectors_not_running(self._platform, writers) if found.failed] if writers else []
            )
            if not_running:
                raise failure(not_running)
            if self._clock.monotonic() > deadline:
                raise _no_subject(sorted(missing), statement, writers)
            self._clock.sleep(POLL_S)


def _is_transient(error: Unreachable | NotReady | Refused) -> bool:
    return not isinstance(error, Refused) or (error.status == 500 and any(text in error.body for text in _TRANSIENT))


def _with_place(
    error: Unreachable | NotReady | Refused, statement: DeclaredStatement
) -> Unreachable | NotReady | Refused:
    where = f"{statement.path}:{statement.line}: {statement.name}"
    if isinstance(error, Refused):
        return Refused(error.system, where, status=error.status, body=error.body)
    return type(error)(error.system, where, error.problem)


def _no_subject(missing: list[str], statement: DeclaredStatement, writers: list[str]) -> NotReady:
    hint = f"connector {writers[0]} has written nothing yet: is its table empty?" if writers else "nothing registers it"
    problem = f"not registered after {SUBJECT_PATIENCE_S:.0f} s, but {statement.name} needs it; {hint}"
    return NotReady("Schema Registry", f"subject {', '.join(missing)}", problem)
