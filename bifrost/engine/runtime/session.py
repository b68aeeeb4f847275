"""One attempt at running a query: from its committed offsets until it is stopped or fails.

A session owns a consumer, a producer and one task per partition of every sub-topology. What happens between two
commits, in this order: records are read and processed, output and changelog records are sent; then the commit flushes
the producer and only after that commits the offsets (or, under exactly-once, does both in one transaction).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from bifrost.engine.runtime.cluster import OFFSET_BEGINNING, Cluster
from bifrost.engine.runtime.records import Record, by_place, in_time_order
from bifrost.engine.runtime.restore import restore_task
from bifrost.engine.topology.compiled import CompiledQuery, LogCallback, RowCallback, Task
from bifrost.errors import NotReady, Refused

_BATCH = 2000
_FLUSH_S = 60.0
_PURGE_EVERY_MS = 30_000


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a query runs.

    `group` is the consumer group, `internal` the prefix of its internal topics; `reset` is `earliest` or `latest` for
    stream inputs without committed offsets (tables are always read from the beginning, as ksqlDB does);
    `transient` queries (push) keep nothing: no commits, no changelogs.
    """

    group: str
    internal: str
    reset: str = "latest"
    commit_interval_ms: int = 200
    exactly_once: bool = False
    transient: bool = False


@dataclass(slots=True)
class Progress:
    """What a query has done since it was started; `last_ms` is the wall clock of the last batch."""

    consumed: Counter[str] = field(default_factory=Counter)  # records by topic
    produced: int = 0
    last_ms: int | None = None
    positions: dict[tuple[str, int], int] = field(default_factory=dict)

    def consumed_of(self, topic: str) -> int:
        """How many records of a topic were read."""
        return self.consumed[topic]


class Session:
    """Runs one query's tasks on the calling thread."""

    def __init__(
        self,
        query: CompiledQuery,
        cluster: Cluster,
        options: SessionOptions,
        *,
        log: LogCallback,
        now_ms: Callable[[], int],
        progress: Progress,
        on_row: RowCallback | None = None,
        stopping: Callable[[], bool],
    ) -> None:
        self._query = query
        self._cluster = cluster
        self._options = options
        self._log = log
        self._now_ms = now_ms
        self._on_row = on_row
        self._stopping = stopping
        self.progress = progress
        # What an earlier session read but did not commit will be read again: its positions must not be committed.
        progress.positions.clear()
        self._failure: KafkaError | None = None
        self._in_transaction = False
        self._dirty = False
        self._next_commit = now_ms() + options.commit_interval_ms
        self._next_purge = now_ms() + _PURGE_EVERY_MS
        self._topics = {entry.topic: entry for entry in query.inputs}
        self._producer = cluster.producer(delivery_report_only_error=True, **self._transactional())
        self._consumer = cluster.consumer(options.group)
        self.tasks: dict[tuple[int, int], Task] = {}

    def _transactional(self) -> dict[str, object]:
        if not self._options.exactly_once or self._options.transient:
            return {}
        return {"transactional_id": self._options.group}

    # --- opening

    def open(self, partitions: Mapping[str, int], starts: Mapping[tuple[str, int], int]) -> None:
        """Makes and restores the tasks, then reads tables up to where they end now, then assigns the streams.

        Args:
            partitions: partition count of every input topic.
            starts: first offset to read of every (topic, partition) without a committed one.

        Raises:
            NotReady: a changelog or topic could not be read within the deadline.
        """
        if self._transactional():
            self._producer.init_transactions(_FLUSH_S)
        for subtopology in sorted({entry.subtopology for entry in self._query.inputs}):
            for partition in range(self._task_count(subtopology, partitions)):
                self.tasks[subtopology, partition] = self._new_task(subtopology, partition)
        places = [TopicPartition(topic, index) for topic, count in partitions.items() for index in range(count)]
        committed = {} if self._options.transient else self._cluster.committed(self._consumer, places)
        for place in places:
            key = (place.topic, place.partition)
            place.offset = committed.get(key, starts.get(key, OFFSET_BEGINNING))
        tables = [place for place in places if self._topics[place.topic].role == "table"]
        streams = [place for place in places if self._topics[place.topic].role != "table"]
        if tables and streams:
            self._consumer.assign(tables)
            self._catch_up(tables)
            self._consumer.incremental_assign(streams)
        else:
            self._consumer.assign(places)

    def _task_count(self, subtopology: int, partitions: Mapping[str, int]) -> int:
        return max(partitions[entry.topic] for entry in self._query.inputs if entry.subtopology == subtopology)

    def _new_task(self, subtopology: int, partition: int) -> Task:
        task = self._query.new_task(
            subtopology,
            partition,
            emit=self._emit,
            log=self._log,
            changelog=None if self._options.transient else self._changelog_writer(partition),
            on_row=self._on_row,
        )
        if not self._options.transient:
            restore_task(self._cluster, self._options.internal, task, partition, self._stopping)
        return task

    def _catch_up(self, tables: list[TopicPartition]) -> None:
        """Loads tables before the streams that look things up in them, so that old rows find their partners."""
        ends = {
            (place.topic, place.partition): self._cluster.watermarks(self._consumer, place.topic, place.partition)
            for place in tables
        }
        behind = {key for key, (low, high) in ends.items() if high > low}
        while behind and not self._stopping():
            self.step(0.05)
            for place in self._consumer.position([TopicPartition(topic, index) for topic, index in behind]):
                if place.offset >= ends[place.topic, place.partition][1]:
                    behind.discard((place.topic, place.partition))

    # --- running

    def step(self, timeout_s: float) -> bool:
        """Reads and processes what has come, waiting up to `timeout_s` for the first record; commits when it is time.

        Returns:
            whether there was anything to process.

        Raises:
            KafkaException: a topic is gone or the client is beyond repair.
            NotReady, Refused: output could not be written.
        """
        first = self._consumer.poll(timeout_s)
        if first is not None:
            messages = self._consumer.consume(_BATCH - 1, 0)
            messages.insert(0, first)
            self._process(by_place(messages))
        self._producer.poll(0)
        now = self._now_ms()
        if now >= self._next_commit:
            self.commit()
            self._next_commit = now + self._options.commit_interval_ms
        return first is not None

    def _process(self, places: Mapping[tuple[str, int], list[Record]]) -> None:
        self._begin()
        tasks: dict[tuple[int, int], dict[str, list[Record]]] = {}
        for (topic, partition), records in places.items():
            entry = self._topics[topic]
            tasks.setdefault((entry.subtopology, partition), {})[topic] = records
            self.progress.positions[topic, partition] = records[-1][4] + 1
            self.progress.consumed[topic] += len(records)
        for key, topics in tasks.items():
            task = self.tasks[key]
            for topic, records in in_time_order(topics):
                task.process(topic, records)
        self._dirty = True
        self.progress.last_ms = self._now_ms()

    def _begin(self) -> None:
        if self._transactional() and not self._in_transaction:
            self._producer.begin_transaction()
            self._in_transaction = True

    def commit(self) -> None:
        """Makes what was written so far durable, then the offsets of what was read.

        Raises:
            NotReady: the broker did not take everything within the deadline.
            Refused: the broker refused a record.
        """
        if self._failure is not None:
            raise Refused("Kafka", "write output", status=self._failure.code(), body=self._failure.str())
        if not self._dirty or self._options.transient:
            return
        offsets = [TopicPartition(topic, part, at) for (topic, part), at in self.progress.positions.items()]
        if self._in_transaction:
            metadata = self._consumer.consumer_group_metadata()
            self._producer.send_offsets_to_transaction(offsets, metadata, _FLUSH_S)
            self._producer.commit_transaction(_FLUSH_S)
            self._in_transaction = False
        else:
            self._flush()
            self._consumer.commit(offsets=offsets, asynchronous=False)
        self._dirty = False
        self._purge()

    def _flush(self) -> None:
        left = self._producer.flush(_FLUSH_S)
        if self._failure is not None:
            raise Refused("Kafka", "write output", status=self._failure.code(), body=self._failure.str())
        if left:
            raise NotReady("Kafka", "write output", f"{left} records not taken within {_FLUSH_S:.0f} s")

    def _purge(self) -> None:
        """Drops what was read of repartition topics, which are kept for ever otherwise."""
        now = self._now_ms()
        if now < self._next_purge:
            return
        self._next_purge = now + _PURGE_EVERY_MS
        read = [
            TopicPartition(topic, part, at)
            for (topic, part), at in self.progress.positions.items()
            if self._topics[topic].role == "repartition"
        ]
        if read:
            self._cluster.admin.delete_records(read)

    def offsets(self) -> dict[tuple[str, int], tuple[int, int]]:
        """Position and last known end of every input partition that was read so far; asks no broker."""
        known = {}
        for (topic, partition), position in tuple(self.progress.positions.items()):
            ends = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            known[topic, partition] = (position, max(position, ends[1] if ends is not None else 0))
        return known

    def close(self, *, commit: bool) -> None:
        """Gives up the clients, after a last commit where that is wanted and possible."""
        try:
            if commit:
                self.commit()
            elif self._in_transaction:
                self._producer.abort_transaction(_FLUSH_S)
        finally:
            self._consumer.close()

    # --- output

    def _emit(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Any, partition: int = -1
    ) -> None:
        self.progress.produced += 1
        self._send(topic, key, value, timestamp, headers, partition)

    def _send(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Any, partition: int
    ) -> None:
        produce = self._producer.produce
        while True:
            try:
                produce(topic, value, key, partition, self._delivered, timestamp, headers)
                return
            except BufferError:
                self._producer.poll(0.05)

    def _changelog_writer(self, partition: int) -> Callable[[str, bytes, bytes | None, int], None]:
        prefix = self._options.internal

        def write(store: str, key: bytes, value: bytes | None, timestamp: int) -> None:
            self._send(f"{prefix}-{store}-changelog", key, value, timestamp, None, partition)

        return write

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failure = error
