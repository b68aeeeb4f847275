"""What a query writes, made durable in this order: results, changes of state, the offsets of what was read.

State never knows of a result that is not durable. So what a kill took is made again from the state before it; were the
order another, a restart could take for written what never was: the last row of a window that had just closed, say.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, TopicPartition

from bifrost.clients.kafka import DeliveryCallback
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.delivery_count import Span
from bifrost.engine.runtime.transaction import Transaction
from bifrost.engine.runtime.windowed_partitioner import WindowedPlacement
from bifrost.engine.state.stores import Encode, Place, Row
from bifrost.engine.topology.compiled import ChangelogCallback, EmitCallback, Headers
from bifrost.errors import NotReady, Refused

_TAKEN_S = 60.0
_SERVE_S = 0.01
_FULL_WAIT_S = 0.05
_SHORTEST_LOOK_S, _LONGEST_LOOK_S = 0.005, 0.25
_MOST_CHANGES = 50_000

Changes = dict[tuple[str, int, Place], tuple[Encode, Row | None, int]]
"""The last change of each place of a store's partition: how to encode it, row (None: deleted), time."""


class Output:
    """A query's producer.

    A commit goes on while further records are processed: `start_commit` begins it, `serve` takes it forward. Under a
    `transaction_id` it is done when `start_commit` returns, and everything between two commits becomes visible at once.
    """

    def __init__(self, cluster: Cluster, transaction_id: str | None, stopping: Callable[[], bool]) -> None:
        self._producer = cluster.producer(transaction_id=transaction_id)
        self._transaction = Transaction(self._producer) if transaction_id is not None else None
        self._stopping = stopping
        self._failure: KafkaError | None = None
        self._produced: Counter[str] = Counter()
        self._counted = 0
        self._changes: Changes = {}
        self._internal = ""
        self._span, self._span_began = Span(self._failed), 0
        self._told = self._span.delivered
        self._steps: Iterator[None] | None = None
        self._commit_began = 0.0

    def begin(self) -> None:
        """Opens a transaction where that is how this output works."""
        if self._transaction is not None:
            self._transaction.begin()

    def emitter(self, windowed: Mapping[str, WindowedPlacement]) -> EmitCallback:
        """The function that takes output records; `windowed` places those of topics whose keys carry a window."""
        produce, produced = self._producer.produce, self._produced

        def emit_placed(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            placement = windowed.get(topic)
            if placement is None:
                emit(topic, key, value, timestamp, headers)
                return
            produced[topic] += 1
            partition = placement.partition(key)
            try:
                produce(topic, value, key, partition, self._told, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send_when_there_is_room(topic, key, value, timestamp, headers, partition)

        def emit(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            produced[topic] += 1
            try:
                produce(topic, value, key, -1, self._told, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send_when_there_is_room(topic, key, value, timestamp, headers, -1)

        return emit_placed if windowed else emit

    def changelog(self, internal: str, partition: int) -> ChangelogCallback:
        """The function that takes changes of a task's stores; `internal` begins the names of changelog topics.

        Only the last change of a place between two commits is written: nobody reads a changelog before a restart.
        """
        changes = self._changes

        def write(store: str, encode: Encode, place: Place, row: Row | None, timestamp: int) -> None:
            changes[store, partition, place] = encode, row, timestamp

        self._internal = internal
        return write

    @property
    def is_full(self) -> bool:
        """Whether so much has changed that a commit should not be waited for."""
        return len(self._changes) >= _MOST_CHANGES

    def _send_when_there_is_room(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers, partition: int
    ) -> None:
        self._send(self._told, topic, key, value, timestamp, headers, partition)

    def _send(
        self,
        told: DeliveryCallback,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        headers: Headers,
        partition: int,
    ) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, told, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
                return
            except BufferError:
                if self._stopping():
                    problem = "the broker does not take records, and the query is to stop"
                    raise NotReady("Kafka", f"write to {topic}", problem) from None
                self._producer.poll(_FULL_WAIT_S)
                self.check()

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            Refused: the broker refused it, or could not be reached for minutes.
        """
        if self._failure is not None:
            raise Refused("Kafka", "write output", status=self._failure.code(), body=self._failure.str())

    # --- commits

    def start_commit(self, consumer: Consumer, offsets: Sequence[TopicPartition], *, waiting: bool = False) -> None:
        """Begins to make durable what was written so far, then the offsets of what was read for it.

        `waiting` says that the commit of the offsets is to be waited for; else the consumer's callback is told of it.

        Raises:
            NotReady: the broker did not take everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit itself failed.
        """
        self.finish_commit()
        self.check()
        changes = self._changes.copy()
        self._changes.clear()
        self._commit_began = time.monotonic()
        if self._transaction is not None:
            self._send_changes(changes, self._told)
            self._transaction.commit(consumer, offsets)
            return
        results = self._settled()
        self._steps = self._commit(consumer, offsets, results, changes, waiting=waiting)
        self.serve()

    def _commit(
        self,
        consumer: Consumer,
        offsets: Sequence[TopicPartition],
        results: Span,
        changes: Changes,
        *,
        waiting: bool,
    ) -> Iterator[None]:
        """The steps of a commit, with a pause wherever the broker has not taken everything yet."""
        while not results.is_taken:
            yield
        changed = Span(self._failed)
        changed.sent = len(changes)
        self._send_changes(changes, changed.delivered)
        while not changed.is_taken:
            yield
        if offsets:
            commit: Callable[..., object] = consumer.commit
            commit(offsets=list(offsets), asynchronous=not waiting)

    def _settled(self) -> Span:
        """The span of what was written since the last one, which takes no more; a new one begins."""
        span, written = self._span, self._counted + sum(self._produced.values())
        span.sent = written - self._span_began
        self._span, self._span_began = Span(self._failed), written
        self._told = self._span.delivered
        return span

    def _send_changes(self, changes: Changes, told: DeliveryCallback) -> None:
        produce, internal = self._producer.produce, self._internal
        for (store, partition, place), (encode, row, timestamp) in changes.items():
            topic = f"{internal}-{store}-changelog"
            key, value = encode(place, row, timestamp)
            try:
                produce(topic, value, key, partition, told, None, timestamp)
            except BufferError:
                self._send(told, topic, key, value, timestamp, None, partition)

    @property
    def is_transactional(self) -> bool:
        """Whether a commit is complete when `start_commit` returns."""
        return self._transaction is not None

    @property
    def is_committing(self) -> bool:
        """Whether a commit is on its way."""
        return self._steps is not None

    @property
    def look_again_s(self) -> float:
        """How long a commit on its way may be left alone: the longer, the longer it takes."""
        return min(max((time.monotonic() - self._commit_began) / 4, _SHORTEST_LOOK_S), _LONGEST_LOOK_S)

    def serve(self, wait_s: float = 0.0) -> None:
        """Takes delivery reports, waiting up to `wait_s` for some, and takes a commit forward; call it often.

        Raises:
            NotReady: the broker did not take everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit of offsets failed.
        """
        self._producer.poll(wait_s)
        if self._steps is None:
            return
        self.check()
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            return
        if time.monotonic() > self._commit_began + _TAKEN_S:
            raise NotReady("Kafka", "write output", f"records not taken within {_TAKEN_S:.0f} s")

    def finish_commit(self) -> None:
        """Waits for a commit that is on its way; raises what `serve` raises."""
        while self._steps is not None:
            self.serve(_SERVE_S)

    def take_counts(self) -> list[tuple[str, int]]:
        """How many output records there were by topic since this was last asked."""
        taken = list(self._produced.items())
        self._counted += sum(self._produced.values())
        self._produced.clear()
        return taken

    def close(self) -> None:
        """Gives up what was not committed."""
        if self._transaction is not None:
            self._transaction.abort()
        else:
            self._producer.purge()

    def _failed(self, error: KafkaError) -> None:
        self._failure = error
