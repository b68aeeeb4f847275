"""Writes a query's output and makes it durable in this order: results, changes of state, offsets of the input.

State never knows of a result that is not durable. So a restart makes again, from the state before it, whatever a kill
has lost. In any other order a restart could take a result for written that never was: the final row of a window that
had just closed, for example.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from bifrost.clients.kafka import DeliveryCallback
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.checkpoints import ChangelogReport, Checkpoints, StorePartition
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.delivery_ledger import DeliveryCount, DeliveryLedger, OutputRecord, RefusedCallback
from bifrost.engine.runtime.refused_batch import RefusedBatch
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner
from bifrost.engine.state.stores import Encode, Row, StoreKey
from bifrost.engine.topology.compiled import ChangelogCallback, EmitCallback, Headers
from bifrost.errors import NotReady

_COMMIT_DEADLINE_S = 60.0
_SERVE_S = 0.01
_DRAIN_S = 5.0
_FULL_WAIT_S = 0.05
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.005, 0.25
_MOST_CHANGES = 50_000

CommittedCallback = Callable[[KafkaError | None, Sequence[TopicPartition]], None]
"""Receives the outcome of a commit: an error or None, and the offsets."""

StateChanges = dict[tuple[str, int, StoreKey], tuple[Encode, Row | None, int]]
"""The last change by store, partition and key: its encoder, the row (None: deleted), the time (epoch ms)."""


class QueryProducer:
    """Writes results and changelogs of one query.

    `refused` receives results that the broker refuses for what they are. To find them, `keeps_records` keeps
    all results until they are acknowledged, which takes time; without it, the first refusal is a `BatchRefused`.

    A commit proceeds while further records are processed: `start_commit` begins it, `serve` takes it forward. `group`
    is the consumer group whose offsets are committed; `committed` receives the outcome. Without `shared`, it has its
    own producer.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        stopping: Callable[[], bool],
        refused: RefusedCallback,
        committed: CommittedCallback,
        checkpoints: Checkpoints,
        *,
        shared: SharedProducer | None = None,
        keeps_records: bool = False,
    ) -> None:
        self._checkpoints = checkpoints
        self._own: Producer | None = None
        if shared is None:
            self._own = cluster.producer()
            shared = SharedProducer(self._own)
        self._producer = shared
        self._committed_offsets = cluster.committed_offsets(group)
        self._committed = committed
        self._stopping = stopping
        self._ledger = DeliveryLedger(refused)
        self._keeps_records = keeps_records
        self._changes: StateChanges = {}
        self._internal = ""
        self._steps: Iterator[None] | None = None
        self._commit_began = 0.0

    def end_left_transactions(self, outputs: Mapping[str, int], places: Sequence[PartitionId]) -> None:
        """Ends what a killed predecessor has left, before state and offsets are read; only transactions need that.

        `outputs` are the topics that the query may write, with their partition counts, `places` its inputs.
        """

    def committed(self, places: Sequence[PartitionId]) -> dict[PartitionId, int]:
        """Returns the committed offsets of the query's inputs, where it begins to read.

        Raises:
            Unreachable: no broker answered within the deadline, or the group's offsets may not be read.
        """
        return self._committed_offsets.read([TopicPartition(*place) for place in places])

    def begin(self) -> None:
        """Prepares for results."""

    def emitter(self, windowed: Mapping[str, WindowedPartitioner]) -> EmitCallback:
        """Returns the function that sends output records; `windowed` are the topics whose keys carry a window."""
        produce, ledger = self._producer.produce, self._ledger
        sent, sizes = ledger.sent, ledger.sizes

        def emit_windowed(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            partitioner = windowed.get(topic)
            if partitioner is None:
                emit(topic, key, value, timestamp, headers)
                return
            sent[topic] += 1
            sizes[topic] += (len(key) if key else 0) + (len(value) if value else 0)
            partition = partitioner.partition(key)
            try:
                produce(topic, value, key, partition, ledger.report, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send(ledger.report, topic, key, value, timestamp, headers, partition)
            except KafkaException as error:
                ledger.take_unsent(topic, error.args[0])

        def emit(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            sent[topic] += 1
            sizes[topic] += (len(key) if key else 0) + (len(value) if value else 0)
            try:
                produce(topic, value, key, -1, ledger.report, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send(ledger.report, topic, key, value, timestamp, headers, -1)
            except KafkaException as error:
                ledger.take_unsent(topic, error.args[0])

        if self._keeps_records:
            return self._keeping_emitter(windowed)
        return emit_windowed if windowed else emit

    def _keeping_emitter(self, windowed: Mapping[str, WindowedPartitioner]) -> EmitCallback:
        def emit(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            self._ledger.sent[topic] += 1
            self._ledger.sizes[topic] += len(key or b"") + len(value or b"")
            partitioner = windowed.get(topic)
            partition = -1 if partitioner is None else partitioner.partition(key)
            record = OutputRecord(topic, key, value, timestamp, headers, partition)
            try:
                self._send(self._ledger.report_of(record), topic, key, value, timestamp, headers, partition)
            except KafkaException as error:
                self._ledger.take_unsent(topic, error.args[0])

        return emit

    def changelog(self, internal: str, partition: int) -> ChangelogCallback:
        """Returns the function that takes changes of a task's stores.

        `internal` begins the names of changelog topics. Only the last change of a key between two commits is written:
        a changelog is not read before a restart.
        """
        changes = self._changes

        def write(store: str, encode: Encode, key: StoreKey, row: Row | None, timestamp: int) -> None:
            changes[store, partition, key] = encode, row, timestamp

        self._internal = internal
        return write

    @property
    def is_full(self) -> bool:
        """Whether so much has changed that the next commit should not wait for its time."""
        return len(self._changes) >= _MOST_CHANGES

    def _send(
        self,
        report: DeliveryCallback,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        headers: Headers,
        partition: int,
    ) -> None:
        """Sends a record once the producer's queue has room."""
        while True:
            try:
                self._producer.produce(topic, value, key, partition, report, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
                return
            except BufferError:
                if self._stopping():
                    problem = "the broker is not accepting records and the query is stopping"
                    raise NotReady("Kafka", f"write to {topic}", problem) from None
                self._producer.poll(_FULL_WAIT_S)
                self.check()

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            Refused: the broker refused it, or was unreachable for minutes.
        """
        self._ledger.check()

    # --- commits

    def start_commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Begins to make durable what was written so far, then the offsets of the input that it came from.

        Raises:
            NotReady: the broker did not acknowledge everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit itself failed.
        """
        self.finish_commit()
        self.check()
        # The dict itself stays: the tasks' changelog functions are bound to it.
        changes = self._changes.copy()
        self._changes.clear()
        self._checkpoints.begin_commit()
        self._commit_began = time.monotonic()
        # What is sent from here on belongs to the next commit: its results are counted in another group, its changes
        # gather in the emptied dict, and `offsets` was taken before any of it was read.
        results = self._ledger.settle()
        self._steps = self._commit(offsets, results, changes)
        self.serve()

    def _commit(
        self, offsets: Sequence[TopicPartition], results: DeliveryCount, changes: StateChanges
    ) -> Iterator[None]:
        """The steps of a commit; yields wherever the broker has not acknowledged everything yet."""
        while not results.is_complete:
            yield
        changed = self._ledger.group()
        reports = self._send_changes(changes, changed)
        while not changed.is_complete:
            yield
        self._checkpoints.committed(reports)
        if not offsets:
            return
        commit = self._committed_offsets.commit(offsets)
        try:
            while not commit.has_arrived:
                yield
            self._committed(commit.problem, offsets)
        finally:
            if not commit.has_arrived:
                self._committed_offsets.give_up(commit)

    def _send_changes(self, changes: StateChanges, group: DeliveryCount) -> dict[StorePartition, ChangelogReport]:
        """Sends changes of state; returns what takes the delivery reports of each changelog partition."""
        produce, internal = self._producer.produce, self._internal
        reports: dict[StorePartition, ChangelogReport] = {}
        for (store, partition, store_key), (encode, row, timestamp) in changes.items():
            topic = f"{internal}-{store}-changelog"
            key, value = encode(store_key, row, timestamp)
            report = reports.get((store, partition))
            if report is None:
                report = reports[store, partition] = ChangelogReport(group, len(key) + len(value or b""))
            report.records.append((key, value))
            try:
                produce(topic, value, key, partition, report.delivered, None, timestamp)
            except BufferError:
                self._send(report.delivered, topic, key, value, timestamp, None, partition)
            except KafkaException as error:
                self._ledger.fail(error.args[0])
                raise
            group.sent += 1
        return reports

    @property
    def is_committing(self) -> bool:
        """Whether a commit is in progress."""
        return self._steps is not None

    @property
    def look_again_s(self) -> float:
        """Seconds until `serve` should look at the commit in progress again; grows with the time it has taken."""
        return min(max((time.monotonic() - self._commit_began) / 4, _SHORTEST_LOOK_S), _LONGEST_LOOK_S)

    def serve(self, wait_s: float = 0.0) -> None:
        """Takes delivery reports, waiting up to `wait_s` for some, and takes a commit forward; call it often.

        Raises:
            NotReady: the broker did not acknowledge everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit of offsets failed.
        """
        self._producer.poll(wait_s)
        if self._ledger.refused_batch:
            records, self._ledger.refused_batch = self._ledger.refused_batch, []
            RefusedBatch(self._producer, self._ledger).settle(records)
        if self._steps is None:
            return
        self.check()
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            return
        if time.monotonic() > self._commit_began + _COMMIT_DEADLINE_S:
            problem = f"records not acknowledged within {_COMMIT_DEADLINE_S:.0f} s"
            raise NotReady("Kafka", "write output", problem)

    def finish_commit(self) -> None:
        """Waits for the commit in progress, if any; raises what `serve` raises."""
        while self._steps is not None:
            self.serve(_SERVE_S)

    def take_counts(self) -> list[tuple[str, int, int]]:
        """Returns the output since the last call: topic, number of records, bytes of their keys and values."""
        return self._ledger.take_counts()

    @property
    def is_broken(self) -> bool:
        """Whether the client has failed for good."""
        failure = self._ledger.failure
        return failure is not None and (failure.fatal() or failure.name() == "_FATAL")

    def close(self) -> None:
        """Drops what was not committed; what is in the queue of a shared producer is sent first."""
        self._steps = None
        if self._own is not None:
            self._own.purge()
        else:
            deadline = time.monotonic() + _DRAIN_S
            while self._ledger.outstanding > 0 and time.monotonic() < deadline and not self.is_broken:
                self._producer.poll(_SERVE_S)
