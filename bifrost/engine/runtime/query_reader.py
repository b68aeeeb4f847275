"""Reads the inputs of one query with a consumer of its own: tables to their present ends, then everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from confluent_kafka import TopicPartition

from bifrost.engine.runtime.batches import PartitionId, batch_of
from bifrost.engine.runtime.job import QueryJob
from bifrost.engine.runtime.query_run import QueryRun
from bifrost.engine.runtime.restore_progress import RestoreProgress
from bifrost.errors import NotReady

_BATCH = 2000
_STALLED_S = 60.0


class QueryReader:
    """Passes records on to a run, on the calling thread."""

    def __init__(self, job: QueryJob, run: QueryRun, restoring: RestoreProgress, stopping: Callable[[], bool]) -> None:
        self._job = job
        self._run = run
        self._restoring = restoring
        self._stopping = stopping
        self._consumer = job.cluster.consumer(job.options.group)

    def open(self) -> None:
        """Reads tables to their present ends, before the streams that look up rows in them; then assigns the streams.

        Raises:
            RemoteError: a table could not be read within the deadline.
        """
        tables, streams = self._run.positions(tables=True), self._run.positions(tables=False)
        self._consumer.assign(_points(tables or streams))
        if tables:
            self._load(tables, silently=not streams and self._wants_only_changes())
            if streams:
                self._consumer.incremental_assign(_points(streams))

    def _wants_only_changes(self) -> bool:
        return self._job.options.transient and self._job.options.reset == "latest"

    def _load(self, tables: Mapping[PartitionId, int], *, silently: bool) -> None:
        self._run.is_muted = silently
        counts: dict[str, int] = {}
        for topic, partition in tables:
            counts[topic] = max(counts.get(topic, 0), partition + 1)
        found = self._job.cluster.admin.ends(counts)
        starts, ends = {}, {}
        for place, position in tables.items():
            known = found[place[0]].get(place[1])
            if known is not None and position < known.next:
                starts[place], ends[place] = max(position, known.first), known.next
        self._restoring.begin("its tables", sum(ends.values()) - sum(starts.values()))
        self._read_to(starts, ends)
        self._restoring.end()
        self._run.flush()
        self._run.is_muted = False

    def _read_to(self, starts: Mapping[PartitionId, int], ends: Mapping[PartitionId, int]) -> None:
        behind, deadline = set(ends), time.monotonic() + _STALLED_S
        while behind and not self._stopping():
            if self.step():
                deadline = time.monotonic() + _STALLED_S
            elif time.monotonic() > deadline:
                text = f"no record within {_STALLED_S:.0f} s; {self._restoring.text}"
                raise NotReady("Kafka", f"read the tables of {self._job.name}", text)
            now = self._run.positions(tables=True)
            positions = {place: min(max(now[place], starts[place]), end) for place, end in ends.items()}
            self._restoring.reached(sum(positions.values()) - sum(starts.values()))
            behind = {
                place for place in behind if not self._run.has_reached_end(place) and positions[place] < ends[place]
            }

    def step(self) -> bool:
        """Reads and processes the records that have arrived, waiting a moment for the first; commits when it is time.

        Returns:
            whether there was anything to process.

        Raises:
            KafkaException: a topic does not exist any more, or the client has failed for good.
            NotReady, Refused: output could not be written.
        """
        first = self._consumer.poll(self._run.patience_s)
        if first is not None:
            messages = self._consumer.consume(_BATCH - 1, 0)
            messages.insert(0, first)
            self._run.take(batch_of(messages))
        if self._run.commit_in_time():
            self._run.note_offsets(self._end_of)
        return first is not None

    def _end_of(self, place: PartitionId) -> int:
        ends = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        return ends[1] if ends is not None else 0

    def close(self) -> None:
        """Closes the consumer."""
        self._consumer.close()


def _points(positions: Mapping[PartitionId, int]) -> list[TopicPartition]:
    return [TopicPartition(*place, offset) for place, offset in positions.items()]
