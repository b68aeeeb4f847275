"""One attempt at running a query: from its committed offsets until it is stopped or fails.

A session owns a consumer, a producer and one task per partition of every sub-topology. What happens between two
commits: records are read and processed, output is sent, changes of state are gathered. A commit makes them durable in
this order (see `output`), and the offsets last, while the next records are processed; or, under exactly-once, all at
once in a transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter, length_hint
from typing import Final

from confluent_kafka import KafkaError, TopicPartition

from bifrost.engine.runtime.batches import Batch, PartitionId, batch_of, in_time_order
from bifrost.engine.runtime.cluster import OFFSET_BEGINNING
from bifrost.engine.runtime.internal_topics import InputPartitions, task_counts
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.meters import QueryMeters
from bifrost.engine.runtime.query_producer import QueryProducer
from bifrost.engine.runtime.repartition_purge import RepartitionPurge
from bifrost.engine.runtime.restore import restore
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner
from bifrost.engine.serde import RegistryUnavailable
from bifrost.engine.topology.compiled import Headers, InputRecord, Task
from bifrost.errors import StateError

_BATCH = 2000
_OFFSET: Final = 4
_IDLE_S = 0.25
_KEY, _VALUE = itemgetter(0), itemgetter(1)
_log = logging.getLogger(__name__)

_Wait = Callable[[str], bool]
"""Waits a while because of a problem that passes; False when the query is to stop."""


class QueryRun:
    """Runs one query's tasks on the calling thread."""

    def __init__(
        self,
        job: QueryJob,
        *,
        progress: QueryMeters,
        loading: RestoreProgress,
        stopping: Callable[[], bool],
        wait: _Wait,
    ) -> None:
        options = job.options
        self._job = job
        self._stopping = stopping
        self._wait = wait
        self._progress = progress
        self._loading = loading
        self._topics = {entry.topic: entry for entry in job.query.inputs}
        self._positions: dict[PartitionId, int] = {}
        self._ends: dict[PartitionId, int] = {}
        self._reached: set[PartitionId] = set()
        self._muted = False
        self._dirty = False
        self._offsets: dict[PartitionId, tuple[int, int]] = {}
        self._next_commit = job.now_ms() + options.commit_interval_ms
        repartitions = frozenset(entry.topic for entry in job.query.inputs if entry.role == "repartition")
        self._purge = RepartitionPurge(job.cluster.admin, job.name, repartitions, job.now_ms())
        self._output: QueryProducer | None = None
        if not options.transient or job.query.repartitions:
            exactly_once = options.exactly_once and not options.transient
            self._output = QueryProducer(job.cluster, options.group if exactly_once else None, stopping)
        self._consumer = job.cluster.consumer(options.group, committed=self._offsets_taken)
        self.tasks: dict[tuple[int, int], Task] = {}

    # --- opening

    def open(self, layout: InputPartitions) -> None:
        """Makes and restores the tasks, reads tables up to where they end now, then assigns the streams.

        Raises:
            RemoteError: a changelog or topic could not be read within the deadline.
            RegistryUnavailable: schemas of the output cannot be registered now.
        """
        self._job.ready()
        windowed = self._windowed_placement()
        for subtopology, count in task_counts(self._job, layout.partitions).items():
            for partition in range(count):
                self.tasks[subtopology, partition] = self._new_task(subtopology, partition, windowed)
        if self._is_changelogged:
            restore(self._job.cluster, self._job.options.internal, self.tasks, self._stopping, self._loading)
        self._ends = dict(layout.ends)
        places = self._starting_places(layout)
        tables = [place for place in places if self._topics[place.topic].role == "table"]
        streams = [place for place in places if self._topics[place.topic].role != "table"]
        self._consumer.assign(tables or streams)
        if tables:
            self._load(tables, silently=not streams and self._wants_only_changes())
            if streams:
                self._consumer.incremental_assign(streams)

    def _wants_only_changes(self) -> bool:
        return self._job.options.transient and self._job.options.reset == "latest"

    def _starting_places(self, layout: InputPartitions) -> list[TopicPartition]:
        places = [TopicPartition(topic, index) for topic, count in layout.partitions.items() for index in range(count)]
        transient = self._job.options.transient
        committed = {} if transient else self._job.cluster.committed(self._consumer, places)
        for place in places:
            key = (place.topic, place.partition)
            place.offset = committed.get(key, layout.starts.get(key, OFFSET_BEGINNING))
        return places

    def _windowed_placement(self) -> dict[str, WindowedPartitioner]:
        sink = self._job.options.windowed_sink
        if sink is None:
            return {}
        return {sink[0]: WindowedPartitioner(self._job.cluster.admin.topics().get(sink[0], 1), sink[1])}

    def _new_task(self, subtopology: int, partition: int, windowed: Mapping[str, WindowedPartitioner]) -> Task:
        output, internal = self._output, self._job.options.internal
        return self._job.query.new_task(
            subtopology,
            emit=output.emitter(windowed) if output is not None else _unexpected,
            log=self._job.log,
            changelog=output.changelog(internal, partition) if output is not None and self._is_changelogged else None,
            on_row=self._on_row if self._job.on_row is not None else None,
        )

    @property
    def _is_changelogged(self) -> bool:
        return not self._job.options.transient and self._output is not None

    def _on_row(self, key: object, row: object, timestamp: int, window: object) -> None:
        if not self._muted and self._job.on_row is not None:
            self._job.on_row(key, row, timestamp, window)  # type: ignore[arg-type]  # passed on as they came

    def _load(self, tables: Sequence[TopicPartition], *, silently: bool) -> None:
        """Reads tables to their ends before the streams that look things up in them, so that old rows find partners."""
        self._muted = silently
        counts: dict[str, int] = {}
        for place in tables:
            counts[place.topic] = max(counts.get(place.topic, 0), place.partition + 1)
        found = self._job.cluster.admin.ends(counts)
        starts, ends = {}, {}
        for place in tables:
            known = found[place.topic].get(place.partition)
            if known is not None and place.offset < known.next:
                at = (place.topic, place.partition)
                starts[at], ends[at] = max(place.offset, known.first), known.next
        self._loading.begin("its tables", sum(ends.values()) - sum(starts.values()))
        behind = set(ends)
        while behind and not self._stopping():
            self.step()
            positions = {at: min(self._positions.get(at, starts[at]), ends[at]) for at in ends}
            self._loading.reached(sum(positions.values()) - sum(starts.values()))
            behind = {at for at in behind if at not in self._reached and positions[at] < ends[at]}
        self._loading.end()
        self._muted = False

    # --- running

    def step(self) -> bool:
        """Reads and processes what has come, waiting a moment for the first record; commits when it is time.

        Returns:
            whether there was anything to process.

        Raises:
            KafkaException: a topic is gone or the client is beyond repair.
            NotReady, Refused: output could not be written.
        """
        first = self._consumer.poll(self._patience())
        if first is not None:
            messages = self._consumer.consume(_BATCH - 1, 0)
            messages.insert(0, first)
            self._take(batch_of(messages))
        self._commit_in_time()
        return first is not None

    def _patience(self) -> float:
        """How long to wait for a record, in seconds: not beyond the next commit or the next look after one."""
        if self._output is not None and self._output.is_committing:
            return self._output.look_again_s
        if not self._dirty or self._job.options.transient:
            return _IDLE_S
        return min(max(self._next_commit - self._job.now_ms(), 0) / 1000, _IDLE_S)

    @property
    def is_finished(self) -> bool:
        """Whether a query that ends has read all that it is to read."""
        return self._job.options.until_end and self._reached >= self._ends.keys()

    def _take(self, batch: Batch) -> None:
        if batch.records:
            self._process(batch.records)
        self._reached.update(batch.ends)
        if self._ends:
            self._reached.update(place for place, end in self._ends.items() if self._positions.get(place, 0) >= end)

    def _process(self, places: Mapping[PartitionId, list[InputRecord]]) -> None:
        if self._output is not None:
            self._output.begin()
        by_task: dict[tuple[int, int], dict[str, list[InputRecord]]] = {}
        for (topic, partition), records in places.items():
            by_task.setdefault((self._topics[topic].subtopology, partition), {})[topic] = records
        for key, topics in by_task.items():
            for topic, run in in_time_order(topics):
                place = (topic, key[1])
                if not self._feed(self.tasks[key], place, self._wanted(place, run)):
                    return

    def _wanted(self, place: PartitionId, records: Sequence[InputRecord]) -> Sequence[InputRecord]:
        """All of the records, or those before the place's end where the query is to stop there."""
        end = self._ends.get(place)
        if end is None or records[-1][_OFFSET] < end:
            return records
        self._reached.add(place)
        return [record for record in records if record[_OFFSET] < end]

    def _feed(self, task: Task, place: PartitionId, records: Sequence[InputRecord]) -> bool:
        """Gives records to a task; waits while the schema registry is not there and goes on at the same record.

        Returns:
            False when the query is to stop; what was processed is counted as read all the same.
        """
        while records:
            left = iter(records)
            self._dirty = True
            try:
                task.process(place[0], left)
            except RegistryUnavailable as problem:
                # The record that could not be read is the last one that was taken; those before it are done.
                done = len(records) - length_hint(left) - 1
                self._count(place, records[:done])
                records = records[done:]
                if self._output is not None:
                    # Nobody looks after a commit while this waits.
                    self._output.finish_commit()
                if not self._wait(str(problem)):
                    return False
                continue
            self._count(place, records)
            return True
        return True

    def _count(self, place: PartitionId, records: Sequence[InputRecord]) -> None:
        now = self._job.now_ms()
        if records:
            self._positions[place] = records[-1][_OFFSET] + 1
            size = sum(map(len, filter(None, map(_KEY, records)))) + sum(map(len, filter(None, map(_VALUE, records))))
            self._progress.read(place[0], len(records), size, now)
        if self._output is not None:
            for topic, count in self._output.take_counts():
                self._progress.wrote(topic, count, now)

    def _commit_in_time(self) -> None:
        now, output = self._job.now_ms(), self._output
        if output is not None:
            output.serve()
            if output.is_committing and not output.is_full:
                return
        if now >= self._next_commit or (output is not None and output.is_full):
            self._next_commit = now + self._job.options.commit_interval_ms
            self._start_commit(waiting=False)
            self._note_offsets()

    def commit(self) -> None:
        """Makes what was written so far durable, then the offsets of what was read, and waits for all of it.

        Raises:
            NotReady: the broker did not take everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit of offsets failed.
        """
        if self._output is not None:
            self._output.finish_commit()
            self._start_commit(waiting=True)
            self._output.finish_commit()

    def _start_commit(self, *, waiting: bool) -> None:
        if self._output is None:
            return
        self._output.check()
        if not self._dirty or self._job.options.transient:
            return
        self._dirty = False
        offsets = [TopicPartition(*place, at) for place, at in self._positions.items()]
        self._output.start_commit(self._consumer, offsets, waiting=waiting)
        if self._output.is_transactional:
            self._purge.committed(offsets, self._job.now_ms())

    def _offsets_taken(self, error: KafkaError | None, places: Sequence[TopicPartition]) -> None:
        """Hears what became of offsets; those that were not taken go with the next commit."""
        problem = error or next((place.error for place in places if place.error is not None), None)
        if problem is None:
            self._purge.committed(places, self._job.now_ms())
            return
        self._dirty = True
        _log.warning("query %s: offsets were not committed, they go with the next: %s", self._job.name, problem)

    def offsets(self) -> dict[PartitionId, tuple[int, int]]:
        """Position and last known end of every input partition that was read so far; may be called by any thread."""
        return self._offsets

    def _note_offsets(self) -> None:
        """Keeps what `offsets` tells: the consumer serves one thread at a time, and that thread is mostly busy."""
        known = {}
        for place, position in self._positions.items():
            ends = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            known[place] = (position, max(position, ends[1] if ends is not None else 0))
        self._offsets = known

    def close(self, *, commit: bool) -> None:
        """Gives up the clients, after a last commit where that is wanted and possible.

        Raises:
            RemoteError, KafkaException: the last commit failed.
        """
        try:
            if commit:
                self.commit()
        finally:
            try:
                if self._output is not None:
                    self._output.close()
            finally:
                self._consumer.close()


def _unexpected(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
    raise StateError(f"a query that writes nothing was about to write to {topic}")
