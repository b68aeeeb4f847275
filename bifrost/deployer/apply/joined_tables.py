"""Waits until the tables that a query joins a stream with hold what their sources have.

A row of a stream is joined with the row that the table has at that moment. A query that starts while its tables are
still being filled would join the first rows of the stream with nothing. ksqlDB leaves the order to its users.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from bifrost.clients.http import Clock
from bifrost.deployer.apply.await_running import POLL_S, expected_queries
from bifrost.deployer.apply.query_progress import QueryProgress
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement, DeclaredTopic
from bifrost.deployer.live.state import Platform
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Dependencies, Thing, dependencies_of
from bifrost.sql.tree import CreateAsSelect, CreateSource, InsertSelect, InsertValues, SourceKind

FRESH_S = 30.0
"""A topic is fresh while it has no record that is older: its connector may still write a snapshot."""
QUIET_S = 1.0
"""For how long no record has arrived when the first records of a fresh topic count as complete."""
FIRST_RECORDS_PATIENCE_S = 15.0
"""How long to wait for that: a large or busy table continues to arrive, an empty one never does."""
STALLED_S = 15.0
"""How long a query that fills a table may make no progress, as it is paused or has failed, before its readers start all
the same."""


class JoinedTables:
    """Knows what fills the tables that statements join, and waits for it."""

    def __init__(self, platform: Platform, declared: Declarations, clock: Clock) -> None:
        self._platform = platform
        self._declared = declared
        self._clock = clock
        self._progress = QueryProgress(platform.kafka, clock)
        self._dependencies: Dependencies = dependencies_of(declared)
        self._statements = {statement.name: statement for statement in declared.statements}
        self._new_connectors: set[str] = set()

    def expect_first_records(self, connector: str) -> None:
        """Note that a connector starts to fill its topics now, so that an empty one is about to have records."""
        self._new_connectors.add(connector)

    def filled_by(self, statement: DeclaredStatement) -> frozenset[str]:
        """The names of the statements that must have been run, and caught up, before a statement that joins tables.

        Empty for a statement that reads only streams or only tables: tables are joined as they change.
        """
        things = self._feeding([statement])
        return frozenset(thing.name for thing in things if thing.kind is ResourceKind.STATEMENT)

    def await_filled(self, statements: Iterable[DeclaredStatement]) -> None:
        """Wait until what fills the tables that these statements join has caught up with what exists now."""
        feeding = self._feeding(statements)
        connectors = {thing.name for thing in feeding if thing.kind is ResourceKind.CONNECTOR}
        self._await_first_records([topic for topic in self._declared.topics if topic.connector in connectors])
        named = {thing.name for thing in feeding if thing.kind is ResourceKind.STATEMENT}
        self._await_queries([item for item in self._declared.statements if item.name in named])

    def _feeding(self, statements: Iterable[DeclaredStatement]) -> set[Thing]:
        found: set[Thing] = set()
        for statement in statements:
            fed: set[Thing] = set()
            for table in self._joined(statement):
                fed |= {Thing(ResourceKind.STATEMENT, table), *self._needs(table)}
            found |= fed | (self._inserts(fed, statement) if fed else set())
        return found

    def _needs(self, table: str) -> tuple[Thing, ...]:
        return self._dependencies.all_needs(Thing(ResourceKind.STATEMENT, table))

    def _inserts(self, fed: set[Thing], reader: DeclaredStatement) -> set[Thing]:
        """The INSERT statements into these things, with what they need, except those that read what `reader` writes."""
        own = Thing(ResourceKind.STATEMENT, reader.name)
        found: set[Thing] = set()
        for item in self._declared.statements:
            match item.tree:
                case InsertValues(target=target) | InsertSelect(target=target):
                    needs = self._needs(item.name)
                    if Thing(ResourceKind.STATEMENT, target) in fed and own not in needs:
                        found |= {Thing(ResourceKind.STATEMENT, item.name), *needs}
        return found

    def _joined(self, statement: DeclaredStatement) -> Iterator[str]:
        kinds = {name: self._kind(name) for name in statement.reads}
        if SourceKind.STREAM in kinds.values():
            yield from (name for name, kind in kinds.items() if kind is SourceKind.TABLE)

    def _kind(self, name: str) -> SourceKind | None:
        match self._statements.get(name):
            case DeclaredStatement(tree=CreateSource(kind=kind) | CreateAsSelect(kind=kind)):
                return kind
        return None

    def _await_first_records(self, topics: Sequence[DeclaredTopic]) -> None:
        awaited = {topic.name for topic in topics if topic.connector in self._new_connectors}
        fresh = awaited | self._fresh([topic.name for topic in topics])
        now = since = self._clock.monotonic()
        deadline = now + FIRST_RECORDS_PATIENCE_S
        before: object = None
        while fresh and now < deadline:
            ends = self._progress.ends(fresh)
            if ends != before or not all(ends.get(topic) for topic in awaited):
                before, since = ends, now
            if now - since >= QUIET_S:
                return
            self._clock.sleep(POLL_S)
            now = self._clock.monotonic()

    def _fresh(self, topics: Sequence[str]) -> set[str]:
        """Those whose oldest record is new. An interrupted deployment may have created what fills them."""
        since_ms = round((time.time() - FRESH_S) * 1000)
        existing = self._progress.existing(topics)
        ends = self._progress.ends(existing)
        return {
            topic
            for topic, partitions in existing.items()
            if ends.get(topic) and not self._platform.kafka.older_than(topic, partitions, since_ms)
        }

    def _await_queries(self, statements: Sequence[DeclaredStatement]) -> None:
        """Waits for the queries of statements, given in the order in which their rows flow."""
        filling = [item for item in statements if isinstance(item.tree, CreateAsSelect | InsertSelect)]
        if not filling:
            return
        groups = {query.id: query.group for query in self._platform.ksqldb.query_details()}
        expected = expected_queries(self._declared, self._platform, self._platform.ksqldb.queries())
        for item in filling:
            if group := groups.get(expected.get(item.name) or "", ""):
                self._await_read(
                    group, [self._statements[name].topic for name in _sources(item) & self._statements.keys()]
                )

    def _await_read(self, group: str, topics: Sequence[str]) -> None:
        self._await_targets(group, topics)
        self._await_targets(group, self._progress.repartition_ends(group))

    def _await_targets(self, group: str, topics: Iterable[str]) -> None:
        """Waits until a query has read what these topics hold now, or makes no progress."""
        targets = self._progress.ends(topics)
        least, least_at = None, self._clock.monotonic()
        while missing := self._progress.missing(group, targets):
            if least is None or missing < least:
                least, least_at = missing, self._clock.monotonic()
            if self._clock.monotonic() - least_at > STALLED_S:
                return
            self._clock.sleep(POLL_S)


def _sources(statement: DeclaredStatement) -> frozenset[str]:
    """What the query of a statement reads. An INSERT needs its target, and does not read it."""
    match statement.tree:
        case InsertSelect(target=target):
            return frozenset(statement.reads - {target})
    return frozenset(statement.reads)
