"""Reads topics once for all queries that are in step: one thread, one consumer and one producer for any number of them.

A query begins with its own reader, which takes it to the end of its inputs; then it joins the scan. It leaves when
it is stopped, paused, fails, has to wait, or takes so long that others would have to wait for it. Then it is served by
its own reader again until it has caught up.

Records of one topic wait behind those of another. So the queries over a topic with more records than the thread can
read move to another scan, with its own thread, and return once it has been calm for a while.

Each query keeps its own positions, and skips what it has read. So the scan may go back for one that joins, and nothing
is lost or repeated when a query changes between the scan and its reader.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bifrost.engine.runtime.batches import Batch, PartitionId, batch_of, size_of
from bifrost.engine.runtime.busy_topics import BusyTopics
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.shared_decode import SharedDecode
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.engine.topology.compiled import InputRecord

_BATCH = 2000
_FEW = 20
_IDLE_S = 0.25
_AT_MOST_S = 0.25
_CALM_S = 30.0
_OFFSET: Final = 4
LARGEST_GAP = 5_000
"""How many records a query may be behind the scan to join it: so many are read again for all."""
_log = logging.getLogger(__name__)


class Departure(Enum):
    """Why a query has left the scan."""

    RECALLED = "recalled"
    FAILED = "failed"
    BEHIND = "behind"
    WAITING = "waiting"
    SLOW = "slow"
    MOVED = "moved"


class ScanMember(Protocol):
    """A query that reads with the scan."""

    @property
    def scanned_run(self) -> QueryRun:
        """Its run. From `join` until `left` only the scan's thread uses it."""

    @property
    def is_recalled(self) -> bool:
        """Whether it is to leave the scan."""

    def left(self, departure: Departure, error: Exception | None) -> None:
        """Takes the run back; `error` is that of a run that has failed."""


class SharedScan:
    """The scan of one process. `group` names its consumer, which neither joins a group nor commits offsets.

    A scan without a `home` has another one for the queries over busy topics, whose `home` it is.
    """

    def __init__(self, cluster: Cluster, group: str, *, home: SharedScan | None = None) -> None:
        self._cluster = cluster
        self._group = group
        self._home = home
        self._busy_scan = SharedScan(cluster, f"{group}_busy", home=self) if home is None else None
        self._changed = threading.Condition()
        self._joining: deque[ScanMember] = deque()
        self._recalled = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self._producer: SharedProducer | None = None
        # Of the thread alone:
        self._consumer: Consumer | None = None
        self._members: dict[ScanMember, tuple[PartitionId, ...]] = {}
        self._readers: dict[PartitionId, list[ScanMember]] = {}
        self._positions: dict[PartitionId, int] = {}
        self._rewound: dict[PartitionId, int] = {}
        self._uncommitted: set[ScanMember] = set()
        self._decode = SharedDecode()
        self._busy_topics = BusyTopics()

    # --- from outside

    def producer(self) -> SharedProducer:
        """Returns the producer of its queries, also of those that are not in step now."""
        with self._changed:
            if self._producer is None:
                self._producer = SharedProducer(self._cluster.producer())
            return self._producer

    def replace_producer(self) -> None:
        """Gives queries that start from now on another producer: the present one has failed for good."""
        with self._changed:
            self._producer = None

    def join(self, member: ScanMember) -> bool:
        """Adds a query soon, at its positions; if it is too far behind, it leaves again. Returns False once closed."""
        with self._changed:
            if self._closed:
                return False
            self._joining.append(member)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="shared scan", daemon=True)
                self._thread.start()
            self._changed.notify()
        return True

    def recall(self) -> None:
        """Lets the queries leave that are recalled, within 0.25 s."""
        with self._changed:
            self._recalled = True
            self._changed.notify()
        if self._busy_scan is not None:
            self._busy_scan.recall()

    def close(self) -> None:
        """Ends the scan; queries that are still in it leave."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        if self._busy_scan is not None:
            self._busy_scan.close()

    # --- the thread

    def _work(self) -> None:
        while self._wait():
            try:
                self._admit_all()
                self._step()
            except Exception as error:  # noqa: BLE001 - the top of a thread: each query reports it and runs again
                _log.exception("the shared scan failed")
                self._dissolve(error)
        self._dissolve(None)
        while self._joining:
            self._joining.popleft().left(Departure.RECALLED, None)

    def _wait(self) -> bool:
        """Waits until there is a query; returns False once closed."""
        with self._changed:
            while not (self._members or self._joining or self._closed):
                self._changed.wait()
            return not self._closed

    def _admit_all(self) -> None:
        while self._joining:
            self._recalled = True  # it may have been recalled before it was a member
            self._admit(self._joining.popleft())
        if self._recalled:
            self._recalled = False
            for member in [member for member in self._members if member.is_recalled]:
                self._leave(member, Departure.RECALLED)

    def _admit(self, member: ScanMember) -> None:
        run = member.scanned_run
        positions = {**run.positions(tables=True), **run.positions(tables=False)}
        gaps = [self._positions.get(place, 0) - position for place, position in positions.items()]
        if min(positions.values(), default=0) < 0 or sum(gap for gap in gaps if gap > 0) > LARGEST_GAP:
            member.left(Departure.BEHIND, None)
            return
        if self._home is not None:
            self._busy_topics.restart()
        self._members[member] = tuple(positions)
        self._decode.add(run)
        self._uncommitted.add(member)
        for place in positions:
            self._readers.setdefault(place, []).append(member)
        self._read_from({at: to for at, to in positions.items() if to < self._positions.get(at, to + 1)})

    def _read_from(self, starts: dict[PartitionId, int]) -> None:
        """Reads partitions from these offsets, whether it reads them already or not."""
        if not starts:
            return
        if self._consumer is None:
            self._consumer = self._cluster.consumer(self._group, enable_partition_eof=False)
        known = [TopicPartition(*place) for place in starts if place in self._positions]
        if known:
            self._consumer.incremental_unassign(known)
        self._rewound.update((place, self._positions[place]) for place in starts if place in self._positions)
        self._positions.update(starts)
        self._consumer.incremental_assign([TopicPartition(*place, offset) for place, offset in starts.items()])

    def _leave(
        self,
        member: ScanMember,
        departure: Departure,
        error: Exception | None = None,
        *,
        to: SharedScan | None = None,
    ) -> None:
        """Removes a query, which another scan takes over or its own reader."""
        places = self._members.pop(member)
        self._uncommitted.discard(member)
        self._decode.remove(member.scanned_run)
        unread = []
        for place in places:
            readers = self._readers[place]
            readers.remove(member)
            if not readers:
                del self._readers[place], self._positions[place]
                self._rewound.pop(place, None)
                unread.append(TopicPartition(*place))
        try:
            if unread and self._consumer is not None:
                self._consumer.incremental_unassign(unread)
        finally:
            if to is None or not to.join(member):
                member.left(departure, error)

    def _dissolve(self, error: Exception | None) -> None:
        consumer, self._consumer = self._consumer, None
        for member in list(self._members):
            self._leave(member, Departure.FAILED if error is not None else Departure.RECALLED, error)
        if consumer is not None:
            consumer.close()

    def _step(self) -> None:
        patience = min((member.scanned_run.patience_s for member in self._uncommitted), default=_IDLE_S)
        if self._consumer is None:
            # No query has a partition to read: those of their topics belong to other worker processes.
            with self._changed:
                self._changed.wait(patience)
        else:
            self._read(self._consumer, patience)
        for member in list(self._uncommitted):
            self._commit(member)
        if self._home is not None and self._busy_topics.calm_s > _CALM_S:
            self._move(list(self._members), self._home)

    def _read(self, consumer: Consumer, patience_s: float) -> None:
        first = consumer.poll(patience_s)
        if first is not None:
            messages = consumer.consume(_BATCH - 1, 0)
            messages.insert(0, first)
            batch = batch_of(messages)
            self._hand_out(batch)
            # When few records come, waiting for more results only delays them. Under load, larger requests cost less.
            if len(messages) <= _FEW:
                (self._home or self).producer().send_now()
            self._separate(batch, is_full=len(messages) >= _BATCH)

    def _separate(self, batch: Batch, *, is_full: bool) -> None:
        """Moves the queries over a busy topic to the other scan, if that helps queries over other topics."""
        counts: Counter[str] = Counter()
        if is_full:
            for (topic, _), records in batch.records.items():
                counts[topic] += len(records)
        busy = self._busy_topics.take(counts, is_full=is_full)
        if busy is None or self._busy_scan is None:
            return
        readers = self._reading({busy})
        if len(readers) < len(self._members):
            _log.info("topic %s has more records than are read in time: its queries are read apart", busy)
            self._move(readers, self._busy_scan)

    def _move(self, members: Iterable[ScanMember], scan: SharedScan) -> None:
        for member in members:
            self._leave(member, Departure.MOVED, to=scan)

    def _commit(self, member: ScanMember) -> None:
        run = member.scanned_run
        try:
            if run.commit_in_time():
                run.note_offsets(self._end_of)
        except Exception as error:  # noqa: BLE001 - the query reports it
            self._leave(member, Departure.FAILED, error)
            return
        if run.is_idle:
            self._uncommitted.discard(member)

    def _end_of(self, place: PartitionId) -> int:
        ends = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True) if self._consumer else None
        return ends[1] if ends is not None else 0

    def _hand_out(self, batch: Batch) -> None:
        for topic, problem in batch.problems.items():
            self._report(topic, problem)
        for place, records in batch.records.items():
            if place in self._positions:
                self._check_order(place, records)
                self._positions[place] = records[-1][_OFFSET] + 1
            batch.sizes[place] = size_of(records) / len(records)
        self._decode.decode(batch.records)
        # A query may leave while this runs, and take others with it.
        for member in dict.fromkeys(member for place in batch.records for member in self._readers.get(place, ())):
            if member in self._members:
                self._feed(member, batch)
        self._decode.forget()

    def _report(self, topic: str | None, problem: KafkaError) -> None:
        for member in self._reading({topic} if topic else set(place[0] for place in self._positions)):
            self._leave(member, Departure.FAILED, KafkaException(problem))

    def _reading(self, topics: Iterable[str]) -> list[ScanMember]:
        found = (member for place, readers in self._readers.items() if place[0] in topics for member in readers)
        return list(dict.fromkeys(found))

    def _check_order(self, place: PartitionId, records: Sequence[InputRecord]) -> None:
        first, last_end = records[0][_OFFSET], self._rewound.pop(place, None)
        if last_end is not None and first >= last_end:
            # The records that a query came back for exist no more, or the client has skipped them.
            for member in [one for one in self._readers[place] if one.scanned_run.position(place) < last_end]:
                self._leave(member, Departure.BEHIND)
        elif first < self._positions[place]:
            _log.warning("topic %s was created again: reading partition %d from offset %d", *place, first)
            for member in self._readers[place]:
                member.scanned_run.restart_at(place, first)

    def _feed(self, member: ScanMember, batch: Batch) -> None:
        run = member.scanned_run
        own = {}
        for place in self._members[member]:
            records = batch.records.get(place)
            if records is None:
                continue
            position = run.position(place)
            if records[0][_OFFSET] < position:
                records = [record for record in records if record[_OFFSET] >= position]
            if records:
                own[place] = records
        if not own:
            return
        self._uncommitted.add(member)
        try:
            is_done = run.take(Batch(own, sizes=batch.sizes), at_most_s=_AT_MOST_S)
        except Exception as error:  # noqa: BLE001 - the query reports it
            self._leave(member, Departure.FAILED, error)
            return
        if is_done:
            return
        if run.is_waiting:
            # The others would wait for the same schema, one after another.
            for other in self._reading({place[0] for place in own}):
                self._leave(other, Departure.WAITING)
        else:
            self._leave(member, Departure.SLOW)
