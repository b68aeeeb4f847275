"""Reads the inputs of one query with its own consumer: tables to their present ends, then everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, TopicPartition

from bifrost.engine.runtime.batches import PartitionId, batch_of
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.errors import NotReady

_BATCH = 2000
_STALLED_S = 60.0


class QueryReader:
    """Passes records on to a run, on the calling thread. It has a consumer only once it needs one.

    `latest` are the last known ends of the inputs.
    """

    def __init__(
        self,
        job: QueryJob,
        run: QueryRun,
        latest: Mapping[PartitionId, int],
        restoring: RestoreProgress,
        stopping: Callable[[], bool],
    ) -> None:
        self._job = job
        self._run = run
        self._latest = latest
        self._restoring = restoring
        self._stopping = stopping
        self._consumer: Consumer | None = None

    def load_tables(self) -> None:
        """Reads tables to their present ends, before the streams that look up rows in them.

        Raises:
            RemoteError: a table could not be read within the deadline.
        """
        tables, streams = self._run.positions(tables=True), self._run.positions(tables=False)
        if not tables:
            return
        starts, ends = self._ranges(tables)
        if ends:
            self._consumer = self._assigned(tables)
            self._run.is_muted = not streams and self._job.options.transient and self._job.options.reset == "latest"
            self._restoring.begin("its tables", sum(ends.values()) - sum(starts.values()))
            self._read_to(self._consumer, starts, ends)
            self._restoring.end()
            self._run.flush()
            self._run.is_muted = False
            if streams:
                self._consumer.incremental_assign(_points(streams))

    def _ranges(self, tables: Mapping[PartitionId, int]) -> tuple[dict[PartitionId, int], dict[PartitionId, int]]:
        """Returns where to begin and where to end to read the tables, without partitions that are read already."""
        counts: dict[str, int] = {}
        for topic, partition in tables:
            counts[topic] = max(counts.get(topic, 0), partition + 1)
        found = self._job.cluster.admin.ends(counts)
        starts, ends = {}, {}
        for place, position in tables.items():
            known = found[place[0]].get(place[1])
            if known is not None and position < known.next:
                starts[place], ends[place] = max(position, known.first), known.next
        return starts, ends

    def _read_to(self, consumer: Consumer, starts: Mapping[PartitionId, int], ends: Mapping[PartitionId, int]) -> None:
        behind, deadline = set(ends), time.monotonic() + _STALLED_S
        while behind and not self._stopping():
            if self._step(consumer):
                deadline = time.monotonic() + _STALLED_S
            elif time.monotonic() > deadline:
                text = f"no record within {_STALLED_S:.0f} s; {self._restoring.text}"
                raise NotReady("Kafka", f"read the tables of {self._job.name}", text)
            positions = {place: min(max(self._run.position(place), starts[place]), end) for place, end in ends.items()}
            self._restoring.reached(sum(positions.values()) - sum(starts.values()))
            behind = {
                place for place in behind if not self._run.has_reached_end(place) and positions[place] < ends[place]
            }

    def step(self) -> None:
        """Reads and processes the records that have arrived, waiting a moment for the first; commits when it is time.

        Raises:
            KafkaException: a topic does not exist any more, or the client has failed for good.
            NotReady, Refused: output could not be written.
        """
        if self._consumer is None:
            self._consumer = self._assigned({**self._run.positions(tables=True), **self._run.positions(tables=False)})
        self._step(self._consumer)

    def _assigned(self, positions: Mapping[PartitionId, int]) -> Consumer:
        consumer = self._job.cluster.consumer(self._job.options.group)
        consumer.assign(_points(positions))
        return consumer

    def _step(self, consumer: Consumer) -> bool:
        first = consumer.poll(self._run.patience_s)
        if first is not None:
            messages = consumer.consume(_BATCH - 1, 0)
            messages.insert(0, first)
            batch = batch_of(messages)
            batch.check()
            self._run.take(batch)
        if self._run.commit_in_time():
            self._run.note_offsets(self._end_of)
        return first is not None

    @property
    def lag(self) -> int:
        """How many records it is behind the last known ends of the inputs."""
        positions = {**self._run.positions(tables=True), **self._run.positions(tables=False)}
        return sum(max(self._end_of(place) - position, 0) for place, position in positions.items())

    def _end_of(self, place: PartitionId) -> int:
        ends = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True) if self._consumer else None
        return max(ends[1] if ends is not None else 0, self._latest.get(place, 0))

    def close(self) -> None:
        """Closes the consumer, if it has one; the next step opens another one."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            consumer.close()


def _points(positions: Mapping[PartitionId, int]) -> list[TopicPartition]:
    return [TopicPartition(*place, offset) for place, offset in positions.items()]
