"""One attempt at running a query: from its committed offsets until it is stopped or fails.

A run has one task per partition of every sub-topology. Between two commits it processes records that a reader fetched,
sends output and gathers changes of state. A commit makes output, changes and offsets durable in this order (see
`query_producer`) while the next records are processed; under exactly-once, all of them in one transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import length_hint
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.engine.runtime.batches import Batch, PartitionId, in_time_order, size_of
from bifrost.engine.runtime.checkpoints import Checkpoints
from bifrost.engine.runtime.cluster import OFFSET_BEGINNING
from bifrost.engine.runtime.internal_topics import InputPartitions, task_counts
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.kafka_errors import is_temporary
from bifrost.engine.runtime.meters import QueryMeters, StoreSize
from bifrost.engine.runtime.query_producer import QueryProducer
from bifrost.engine.runtime.repartition_purge import RepartitionPurge
from bifrost.engine.runtime.restore import restore
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.engine.runtime.transactional_producer import TransactionalProducer
from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner
from bifrost.engine.serde import Decoder, RegistryUnavailable
from bifrost.engine.topology.compiled import Headers, InputRecord, PartReader, RecordProblem, RecordUnusable, Task
from bifrost.errors import StateError

_OFFSET: Final = 4
_IDLE_S = 0.25
_FIRST_FETCH_S = 5.0
_log = logging.getLogger(__name__)

_Wait = Callable[[str], bool]
"""Waits because of a temporary problem, whose text it takes; returns False if the caller of `take` should get control
back: the query is stopping, or the thread has other things to do."""

_SHORT_S, _LONG_S = 0.005, 0.02
_LARGEST_SLICE = 512
_SLOW_RECORD_S = 0.0005


class QueryRun:
    """Runs one query's tasks on the calling thread. `keeps_records` is an option of its `QueryProducer`.

    It reads nothing by itself: a reader passes records on in the order of their offsets, and may change while it runs.
    """

    def __init__(
        self,
        job: QueryJob,
        *,
        meters: QueryMeters,
        restoring: RestoreProgress,
        stopping: Callable[[], bool],
        wait: _Wait,
        shared: SharedProducer | None = None,
        keeps_records: bool = False,
    ) -> None:
        options = job.options
        self._job = job
        self._stopping = stopping
        self._wait = wait
        self._meters = meters
        self._restoring = restoring
        self._topics = {entry.topic: entry for entry in job.query.inputs}
        self._starts: dict[PartitionId, int] = {}
        self._positions: dict[PartitionId, int] = {}
        self._ends: dict[PartitionId, int] = {}
        self._reached: set[PartitionId] = set()
        self.is_muted = False  # tables are read without results: only later changes are wanted
        self.is_waiting = False  # the last `take` had to wait for the schema registry
        self._dirty = False  # records were processed since the last commit began
        self._committed: dict[PartitionId, int] = {}
        self._offsets: dict[PartitionId, tuple[int, int]] = {}
        self._slice = 1  # records to be processed before a look at the clock
        self._leave_at: float | None = None
        self._sizes: Mapping[PartitionId, float] = {}
        self._commits = 0
        self._commit_began = 0.0
        self._commit_failure: KafkaError | None = None
        self._opened_at = 0.0
        # On the steady clock: a wall clock that is set back must not put the next commit off.
        self._next_commit = time.monotonic() + options.longest_commit_interval_ms / 1000
        repartitions = frozenset(entry.topic for entry in job.query.inputs if entry.role == "repartition")
        self._purge = RepartitionPurge(job.cluster.admin, job.name, repartitions, time.monotonic())
        self._checkpoints = Checkpoints(None if options.transient else job.state, job.name, job.now_ms)
        self._producer: QueryProducer | None = None
        if not options.transient or job.query.repartitions:
            self._producer = self._new_producer(shared, keeps_records=keeps_records)
        self.tasks: dict[tuple[int, int], Task] = {}

    def _new_producer(self, shared: SharedProducer | None, *, keeps_records: bool) -> QueryProducer:
        cluster, options = self._job.cluster, self._job.options
        callbacks = self._stopping, self._result_refused, self._offsets_committed
        if options.transaction_id is not None:
            return TransactionalProducer(cluster, options.group, options.transaction_id, *callbacks, self._checkpoints)
        return QueryProducer(
            cluster, options.group, *callbacks, self._checkpoints, shared=shared, keeps_records=keeps_records
        )

    # --- opening

    def open(self, inputs: InputPartitions) -> None:
        """Creates and restores the tasks, and settles where to begin to read.

        Raises:
            RemoteError: a changelog or topic could not be read within the deadline.
            RegistryUnavailable: the schemas of the output cannot be registered now.
        """
        self._job.ready()
        windowed = self._windowed_partitioner()
        for subtopology, count in task_counts(self._job, inputs.partitions).items():
            for partition in range(count):
                if self._job.options.owns(self._job.name, subtopology, partition):
                    self.tasks[subtopology, partition] = self._new_task(subtopology, partition, windowed)
        if self._producer is not None:
            self._producer.end_left_transactions(inputs.outputs, self._places(inputs))
        if self._is_changelogged:
            restore(
                self._job.cluster,
                self._job.options.internal,
                self.tasks,
                self._stopping,
                self._restoring,
                self._checkpoints,
            )
        self._ends = dict(inputs.ends)
        self._starts = self._starting_offsets(inputs)
        self._opened_at = time.monotonic()

    def _starting_offsets(self, inputs: InputPartitions) -> dict[PartitionId, int]:
        places = self._places(inputs)
        committed: dict[PartitionId, int] = {}
        if self._producer is not None and not self._job.options.transient:
            committed = self._producer.committed(places)
        return {place: committed.get(place, inputs.starts.get(place, OFFSET_BEGINNING)) for place in places}

    def _places(self, inputs: InputPartitions) -> list[PartitionId]:
        """Returns the partitions that its tasks read."""
        return [
            (topic, index)
            for topic, count in inputs.partitions.items()
            for index in range(count)
            if (self._topics[topic].subtopology, index) in self.tasks
        ]

    def _windowed_partitioner(self) -> dict[str, WindowedPartitioner]:
        sink = self._job.options.windowed_sink
        if sink is None:
            return {}
        return {sink[0]: WindowedPartitioner(self._job.cluster.admin.topics().get(sink[0], 1), sink[1])}

    def _new_task(self, subtopology: int, partition: int, windowed: Mapping[str, WindowedPartitioner]) -> Task:
        producer, internal = self._producer, self._job.options.internal
        return self._job.query.new_task(
            subtopology,
            emit=producer.emitter(windowed) if producer is not None else _unexpected,
            log=self._job.log,
            changelog=producer.changelog(internal, partition)
            if producer is not None and self._is_changelogged
            else None,
            on_row=self._on_row if self._job.on_row is not None else None,
        )

    @property
    def _is_changelogged(self) -> bool:
        return not self._job.options.transient and self._producer is not None

    def _on_row(self, key: object, row: object, timestamp: int, window: object) -> None:
        if not self.is_muted and self._job.on_row is not None:
            self._job.on_row(key, row, timestamp, window)  # type: ignore[arg-type]  # passed on as they came

    # --- what to read

    def positions(self, *, tables: bool) -> dict[PartitionId, int]:
        """Returns the next offset to be read of each partition of its tables, or else of its other inputs."""
        return {
            place: self._positions.get(place, start)
            for place, start in self._starts.items()
            if (self._topics[place[0]].role == "table") is tables
        }

    def position(self, place: PartitionId) -> int:
        """Returns the next offset to be read of a partition."""
        return self._positions.get(place, self._starts[place])

    def restart_at(self, place: PartitionId, offset: int) -> None:
        """Sets the next offset to be read of a partition whose topic was deleted and created again."""
        self._positions.pop(place, None)
        # Brokers drop the committed offsets of a topic that is deleted.
        self._committed.pop(place, None)
        self._starts[place] = offset

    @property
    def readers(self) -> Mapping[str, PartReader]:
        """What decodes its sources, by name."""
        return self._job.query.readers

    def use_reader(self, name: str, read: Decoder | None) -> None:
        """See `Task.use_reader`."""
        for task in self.tasks.values():
            task.use_reader(name, read)

    def has_reached_end(self, place: PartitionId) -> bool:
        """Whether a reader has reported the end of a partition."""
        return place in self._reached

    # --- running

    def take(self, batch: Batch, *, at_most_s: float | None = None) -> bool:
        """Processes the records of a batch, those of one task merged by their times.

        Returns:
            False if it did not process all of them: it takes longer than `at_most_s` since its records take long, or
            it had to wait. Those that it has processed count as read, so the others are read again from its positions.

        Raises:
            RecordUnusable: a record ends the query. The records before it count as read.
            NotReady, Refused: output could not be written.
        """
        self.is_waiting = False
        self._sizes = batch.sizes
        self._leave_at = None if at_most_s is None else time.monotonic() + at_most_s
        if batch.records and not self._process(batch.records):
            return False
        self._reached.update(batch.ends)
        if self._ends:
            self._reached.update(source for source, end in self._ends.items() if self._positions.get(source, 0) >= end)
        return True

    @property
    def is_committed(self) -> bool:
        """Whether all that was read is committed, and no commit is in progress or has failed."""
        if self._dirty or self._commit_failure is not None:
            return False
        return self._producer is None or not self._producer.is_committing

    @property
    def is_idle(self) -> bool:
        """Whether `commit_in_time` has nothing to do: all is committed, and copied to disk as far as it is copied."""
        return self.is_committed and not self._checkpoints.backlog

    @property
    def patience_s(self) -> float:
        """How long a reader may wait for a record: not beyond the next commit or the next look at one."""
        if self._producer is not None and self._producer.is_committing:
            return self._producer.look_again_s
        if not self._dirty or self._job.options.transient:
            return _IDLE_S
        return min(max(self._next_commit - time.monotonic(), 0), _IDLE_S)

    @property
    def is_settled(self) -> bool:
        """Whether the run has committed, or found nothing to process: it has passed the records of a failed run."""
        if self._job.options.transient:
            return bool(self._positions)
        return self._commits > 0 or (not self._dirty and time.monotonic() > self._opened_at + _FIRST_FETCH_S)

    @property
    def is_finished(self) -> bool:
        """Whether a query that ends has read its inputs to their ends."""
        return self._job.options.until_end and self._reached >= self._ends.keys()

    def _process(self, batch: Mapping[PartitionId, Sequence[InputRecord]]) -> bool:
        if self._producer is not None:
            self._producer.begin()
        by_task: dict[tuple[int, int], dict[str, Sequence[InputRecord]]] = {}
        for (topic, partition), records in batch.items():
            by_task.setdefault((self._topics[topic].subtopology, partition), {})[topic] = records
        for key, topics in by_task.items():
            for topic, run in in_time_order(topics):
                source = (topic, key[1])
                if not self._feed(self.tasks[key], source, self._wanted(source, run)):
                    return False
        return True

    def _wanted(self, source: PartitionId, records: Sequence[InputRecord]) -> Sequence[InputRecord]:
        """Returns the records, without those beyond the offset at which the query ends."""
        end = self._ends.get(source)
        if end is None or records[-1][_OFFSET] < end:
            return records
        self._reached.add(source)
        return [record for record in records if record[_OFFSET] < end]

    def _feed(self, task: Task, source: PartitionId, records: Sequence[InputRecord]) -> bool:
        """Passes records to a task; while the schema registry is unavailable, waits and retries the same record.

        Returns:
            False if `take` should return; the records processed before count as read.
        """
        while records:
            part = records if self._leave_at is None else records[: self._slice]
            left, began = iter(part), time.monotonic()
            self._dirty = True
            try:
                task.process(source[0], left)
            except RecordUnusable:
                self._count(source, part[: len(part) - length_hint(left) - 1])
                raise
            except RegistryUnavailable as problem:
                # The loop over records is in generated code. A list iterator's length hint is exact, so it counts the
                # records that were not taken from it. The last one taken is the one that failed; it had no effect,
                # since a record's key and value are read before anything else is done.
                done = len(part) - length_hint(left) - 1
                self._count(source, part[:done])
                records = records[done:]
                self.is_waiting = True
                if self._leave_at is None:
                    # Nothing else takes the commit in progress forward while this waits.
                    self.finish_commit()
                if not self._wait(str(problem)):
                    return False
                continue
            self._count(source, part)
            if self._leave_at is not None and not self._is_in_time(began, len(part)):
                return False
            records = records[len(part) :]
        return True

    def _is_in_time(self, began: float, count: int) -> bool:
        """Adapts the size of slices to the time that one of `count` records has taken; returns whether to continue."""
        now = time.monotonic()
        if now - began < _SHORT_S:
            self._slice = min(self._slice * 2, _LARGEST_SLICE)
        elif now - began > _LONG_S:
            self._slice = max(self._slice // 4, 1)
        # A busy machine makes everything slow. A query is slow if its records take far longer than those of others.
        return self._leave_at is None or now < self._leave_at or (now - began) < count * _SLOW_RECORD_S

    def _count(self, source: PartitionId, records: Sequence[InputRecord]) -> None:
        now = self._job.now_ms()
        if records:
            self._positions[source] = records[-1][_OFFSET] + 1
            average = self._sizes.get(source)
            size = size_of(records) if average is None else round(average * len(records))
            self._meters.read(source[0], len(records), size, now)
        if self._producer is not None:
            for topic, count, size in self._producer.take_counts():
                self._meters.wrote(topic, count, size, now)

    def _result_refused(self, topic: str, error: KafkaError) -> None:
        """Reports a result that the broker refuses for what it is; the query continues without it."""
        problem = f"Kafka refused a record for topic {topic}: {error.str()} ({error.name()})"
        self._job.log(RecordProblem("production", topic, -1, -1, self._job.query.plan.step.context, problem))

    def commit_in_time(self) -> bool:
        """Takes a commit in progress forward, or begins one if it is time; returns whether it began one.

        Raises:
            NotReady, Refused: output could not be written.
            KafkaException: the offsets could not be committed.
        """
        now, producer = time.monotonic(), self._producer
        self._checkpoints.tend()
        if producer is not None:
            producer.serve()
            self._check_commit()
            if producer.is_committing and not producer.is_full:
                return False
        if now < self._next_commit and (producer is None or not producer.is_full):
            return False
        self._next_commit = now + self._job.options.longest_commit_interval_ms / 1000
        self._start_commit()
        return True

    def finish_commit(self) -> None:
        """Waits for the commit in progress, if any; raises what `commit` raises."""
        if self._producer is not None:
            self._producer.finish_commit()

    def commit(self) -> None:
        """Makes the output written so far durable, then the offsets of its input, and waits for both.

        Raises:
            NotReady: the broker did not acknowledge everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit of offsets failed.
        """
        if self._producer is not None:
            self._producer.finish_commit()
            self._start_commit()
            self._producer.finish_commit()
            self._check_commit()

    def recover(self) -> bool:
        """Sends a transaction that has failed again, and commits it.

        Returns:
            False if the state in memory is outdated since another run of the query has committed.

        Raises:
            TransactionFailed: that failed, too.
        """
        if not isinstance(self._producer, TransactionalProducer) or not self._producer.recover(tuple(self._starts)):
            return False
        self._dirty = True
        self.commit()
        return True

    def _check_commit(self) -> None:
        if self._commit_failure is not None:
            raise KafkaException(self._commit_failure)

    def _start_commit(self) -> None:
        if self._producer is not None:
            self._producer.check()
        if not self._dirty:
            return
        self._dirty = False
        # Buffered results belong to the records that were read, so they are emitted before the offsets of these.
        self.flush()
        if self._producer is None or self._job.options.transient:
            return
        self._commit_began = time.monotonic()
        # A broker stores every offset that it is sent, also one that it has.
        changed = self._positions.items() - self._committed.items()
        self._producer.start_commit([TopicPartition(*source, position) for source, position in changed])

    def flush(self) -> None:
        """Emits the results that the tasks buffer."""
        for task in self.tasks.values():
            task.flush()

    def _offsets_committed(self, problem: KafkaError | None, offsets: Sequence[TopicPartition]) -> None:
        """Takes the outcome of an offset commit."""
        if problem is None:
            self._commits += 1
            self._meters.commits.add(time.monotonic() - self._commit_began)
            self._committed.update(((place.topic, place.partition), place.offset) for place in offsets)
            self._purge.committed(self._committed, time.monotonic())
            return
        if not is_temporary(problem):
            self._commit_failure = problem
            return
        self._dirty = True
        _log.warning("query %s: offset commit failed, retrying with the next commit: %s", self._job.name, problem)

    def offsets(self) -> dict[PartitionId, tuple[int, int]]:
        """Returns position and last known end of every input partition read so far; any thread may call it."""
        return self._offsets

    def note_offsets(self, end_of: Callable[[PartitionId], int]) -> None:
        """Updates what `offsets` returns; `end_of` returns the last known end of a partition, 0 if it is unknown."""
        self._offsets = {place: (at, max(at, end_of(place))) for place, at in self._positions.items()}

    def store_sizes(self) -> Iterator[tuple[str, StoreSize]]:
        """Returns the size of each store of each task; any thread may call it."""
        for (_, partition), task in list(self.tasks.items()):
            for name, store in task.stores().items():
                rows, encoded = len(store), self._checkpoints.encoded_size((name, partition))
                yield name, StoreSize(rows, None if encoded is None else int(rows * encoded))

    @property
    def has_broken_producer(self) -> bool:
        """Whether its producer has failed for good."""
        return self._producer is not None and self._producer.is_broken

    def close(self, *, commit: bool) -> None:
        """Closes the producer, after a last commit if `commit` is true.

        Raises:
            RemoteError, KafkaException: the last commit failed.
        """
        committed = False
        try:
            if commit:
                self.commit()
                committed = True
        finally:
            try:
                if self._producer is not None:
                    self._producer.close()
            finally:
                self._checkpoints.close(clean=committed)


def _unexpected(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
    raise StateError(f"a query without output was about to write to {topic}")
