"""Replaces queries without repeating what their readers have seen: stops readers, waits for the new queries, moves on.

Every step is recorded before it is done, so that a deployment that was killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from bifrost.clients.http import Clock
from bifrost.clients.ksqldb import QueryDetails
from bifrost.deployer.apply.await_running import POLL_S, expected_queries, query_causes
from bifrost.deployer.apply.connector_offsets import set_topic_offsets
from bifrost.deployer.apply.query_progress import QueryProgress
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.rebuild_record import Offsets, Rebuild, RebuiltStatement
from bifrost.deployer.live.state import Platform
from bifrost.errors import NotReady, Refused

CATCH_UP_S = 5.0
"""How long a query that is about to end may take to commit what it has read."""
READERS_PATIENCE_S = 15.0
"""How long readers may take to read the existing records: quiet hours and unavailable services hold them longer."""
LOOK_S = 3.0
"""How often the state of a query is looked up: the answer lists all queries with their topologies."""
STALLED_S = 120.0
"""How long a new query may make no progress."""
MEMBERS_PATIENCE_S = 20.0
"""How long a group may keep members whose process has ended: longer than their session."""

_INSERT = "INSERT INTO "


class Rebuilds:
    """Carries out the steps of a rebuild on a platform."""

    def __init__(self, platform: Platform, declared: Declarations, clock: Clock) -> None:
        self._platform = platform
        self._declared = declared
        self._clock = clock
        self._progress = QueryProgress(platform.kafka, clock)
        self._recorded: Rebuild | None = None

    def begin(self, rebuild: Rebuild) -> None:
        """Record the rebuild, with how far the queries that are about to end have read."""
        until: dict[str, Offsets] = {}
        if rebuild.skips:
            groups = {query.id: query.group for query in self._platform.ksqldb.query_details()}
            # Also of queries without readers that move: what they write again is read by those that have some.
            until = {
                statement.name: self._read_by(
                    groups.get(statement.query_id, ""), self._progress.existing(statement.inputs)
                )
                for statement in rebuild.statements
                if statement.skips
            }
        self._record(rebuild.with_positions(until))

    def await_readers(self, groups: Iterable[tuple[str, str]]) -> None:
        """Wait until consumer groups have read their topic to its end; after some time, continue all the same."""
        waiting = [(group, topic) for group, topic in groups if self._progress.existing([topic])]
        self._progress.wait(lambda: all(self._has_read(group, topic) for group, topic in waiting), READERS_PATIENCE_S)

    def finish(self, rebuild: Rebuild) -> None:
        """Wait for the new queries, move the readers of their topics, and start what was stopped.

        Raises:
            NotReady: a new query failed or makes no progress; the next run continues here.
            Refused: a consumer group still has members.
        """
        current = (self._recorded or self._read_record() or rebuild).limited_to(rebuild)
        rebuilt = {statement.topic for statement in current.statements}
        is_awaited = current.skips
        for statement in current.statements:
            if is_awaited and statement.skips:
                self._await_rebuilt(statement, rebuilt)
            if statement.groups or statement.connectors:
                self._await_topic(statement.topic)
                self._move_readers(statement)
                current = current.with_moved_readers(statement.name)
                self._record(current)
        # What is stopped is started by any plan, so that from here on nothing needs the record.
        self._record(None)
        for name in rebuild.connectors:
            self._platform.connect.resume(name)
        for name in current.services:
            if self._platform.services is not None:
                self._platform.services.start(name)

    def _await_rebuilt(self, statement: RebuiltStatement, rebuilt: set[str]) -> None:
        """Returns when the new query has read what the dropped one had, and all of inputs that were rebuilt before."""
        inputs = self._targets(statement, rebuilt)
        query: QueryDetails | None = None
        looked_at = least_at = self._clock.monotonic()
        least: int | None = None
        between: Offsets | None = None
        while True:
            now = self._clock.monotonic()
            if query is None or now - looked_at > LOOK_S:
                query, looked_at = self._query_of(statement), now
            group = "" if query is None else query.group
            missing = self._progress.missing(group, inputs)
            if query is not None and not missing:
                before, between = between, self._progress.repartition_ends(group)
                missing = self._progress.missing(group, between)
                # What a part of the query writes for the next part may have arrived behind the ends of this look.
                if not missing and between == before:
                    return
            if query is not None and query.state == "ERROR":
                raise self._failed(query)
            if least is None or missing < least:
                least, least_at = missing, now
            if now - least_at > STALLED_S:
                problem = f"has still to read {missing} records that were read before; run `up` again to continue"
                raise NotReady("ksqlDB", f"query of {statement.name}", problem)
            self._clock.sleep(POLL_S)

    def _targets(self, statement: RebuiltStatement, rebuilt: set[str]) -> Offsets:
        """The next offset of each partition that the new query must reach; none for partitions without records."""
        found: dict[str, dict[int, int]] = {}
        for topic in self._progress.existing(statement.inputs):
            ranges = self._platform.kafka.offsets(topic)
            until = statement.until.get(topic)
            is_rebuilt = topic in rebuilt and topic != statement.topic
            reached = {partition: at.next for partition, at in ranges.items()}
            if until is not None and not is_rebuilt:
                reached = {partition: min(until.get(partition, 0), end) for partition, end in reached.items()}
            found[topic] = {
                partition: offset for partition, offset in reached.items() if offset > ranges[partition].first
            }
        return found

    def _move_readers(self, statement: RebuiltStatement) -> None:
        ranges = self._platform.kafka.offsets(statement.topic)
        starts = {partition: at.first for partition, at in ranges.items()}
        offsets = {partition: at.next for partition, at in ranges.items()} if statement.skips else starts
        for group in statement.groups:
            self._move(group, statement.topic, offsets)
        for name in statement.connectors:
            set_topic_offsets(self._platform.connect, self._clock, name, statement.topic, starts)

    def _move(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        deadline = self._clock.monotonic() + MEMBERS_PATIENCE_S
        while True:
            try:
                self._platform.kafka.move_group(group, topic, offsets)
                return
            except Refused:
                # A member that was killed counts until its session ends.
                if self._clock.monotonic() > deadline:
                    raise
                self._clock.sleep(1.0)

    def _read_by(self, group: str, topics: Iterable[str]) -> Offsets:
        """How far a query has read, after a moment in which it can commit; the topics' ends where it is gone."""
        ends = self._progress.ends(topics)
        if not group:
            return ends
        self._progress.wait(lambda: self._progress.has_read(group, ends), CATCH_UP_S)
        # What is still between the parts of the query has been read, but has sent no alert yet.
        between = self._progress.repartition_ends(group)
        self._progress.wait(lambda: self._progress.has_read(group, between), CATCH_UP_S)
        done = self._progress.positions(group)
        return {
            topic: {partition: done.get(topic, {}).get(partition, 0) for partition in ends[topic]} for topic in ends
        }

    def _has_read(self, group: str, topic: str) -> bool:
        return self._progress.has_read(group, self._progress.ends([topic]))

    def _await_topic(self, topic: str) -> None:
        if not self._progress.wait(lambda: bool(self._progress.existing([topic])), CATCH_UP_S):
            raise NotReady("Kafka", f"topic {topic}", "does not exist, although the query that writes it runs")

    def _query_of(self, statement: RebuiltStatement) -> QueryDetails | None:
        """The query that runs a statement now."""
        ksqldb = self._platform.ksqldb
        expected = expected_queries(self._declared, self._platform, ksqldb.queries()).get(statement.name)
        target = statement.name.removeprefix(_INSERT).partition(" (")[0]
        found: QueryDetails | None = None
        for query in ksqldb.query_details():
            if query.id == expected:
                return query
            # A statement of a pipeline that was not selected: the newest other query into the same target.
            is_same_kind = query.id.startswith("INSERTQUERY") == statement.name.startswith(_INSERT)
            if is_same_kind and target in query.sinks and query.id != statement.query_id:
                found = query
        return found

    def _failed(self, query: QueryDetails) -> NotReady:
        causes = "; ".join(query_causes(self._platform.ksqldb, query.id))
        return NotReady("ksqlDB", f"query {query.id}", f"is ERROR: {causes} (log: {self._platform.log_of('ksqldb')})")

    def _record(self, rebuild: Rebuild | None) -> None:
        self._recorded = rebuild
        if self._platform.ownership is not None:
            # Without the right to write the record, an interrupted rebuild is finished without it.
            with suppress(Refused):
                self._platform.ownership.record_rebuild(rebuild)

    def _read_record(self) -> Rebuild | None:
        if self._platform.ownership is None:
            return None
        with suppress(Refused):
            return self._platform.ownership.read().rebuild
        return None
