"""What a query writes: results and changelog records, made durable before offsets are committed."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.placement import WindowedPlacement
from bifrost.engine.topology.compiled import ChangelogCallback, EmitCallback, Headers
from bifrost.errors import NotReady, Refused

_FLUSH_S = 60.0
_FULL_WAIT_S = 0.05
_BEGIN_S = 30.0
_COMMIT_S = 6.0
_MOST_CHANGES = 50_000
_log = logging.getLogger(__name__)


class Output:
    """A query's producer. Under a `transaction_id` everything between two commits becomes visible at once."""

    def __init__(self, cluster: Cluster, transaction_id: str | None, stopping: Callable[[], bool]) -> None:
        options: dict[str, object] = {"transactional_id": transaction_id} if transaction_id is not None else {}
        self._producer = cluster.producer(delivered=self._delivered, delivery_report_only_error=True, **options)
        self._stopping = stopping
        self._failure: KafkaError | None = None
        self._transactional = transaction_id is not None
        self._in_transaction = False
        self._produced: Counter[str] = Counter()
        self._internal = ""
        self._changes: dict[tuple[str, int, bytes], tuple[bytes | None, int]] = {}
        if self._transactional:
            # Ends what a killed predecessor left open: its records will never be seen.
            _bounded("begin", _BEGIN_S, self._producer.init_transactions)

    def begin(self) -> None:
        """Opens a transaction where that is how this output works."""
        if self._transactional and not self._in_transaction:
            self._producer.begin_transaction()
            self._in_transaction = True

    def emitter(self, windowed: Mapping[str, WindowedPlacement]) -> EmitCallback:
        """The function that takes output records; `windowed` places those of topics whose keys carry a window."""
        produce, produced = self._producer.produce, self._produced

        def emit_placed(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            placement = windowed.get(topic)
            if placement is None:
                emit(topic, key, value, timestamp, headers)
                return
            produced[topic] += 1
            self._send_when_there_is_room(topic, key, value, timestamp, headers, placement.partition(key))

        def emit(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            produced[topic] += 1
            try:
                produce(topic, value, key, -1, None, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send_when_there_is_room(topic, key, value, timestamp, headers, -1)

        return emit_placed if windowed else emit

    def changelog(self, internal: str, partition: int) -> ChangelogCallback:
        """The function that takes changes of a task's stores; `internal` begins the names of changelog topics.

        Only the last change of a key between two commits is written: nobody reads a changelog before a restart.
        """
        changes = self._changes

        def write(store: str, key: bytes, value: bytes | None, timestamp: int) -> None:
            changes[store, partition, key] = value, timestamp
            if len(changes) >= _MOST_CHANGES:
                self._send_changes()

        self._internal = internal
        return write

    def _send_changes(self) -> None:
        produce, internal = self._producer.produce, self._internal
        for (store, partition, key), (value, timestamp) in self._changes.items():
            topic = f"{internal}-{store}-changelog"
            try:
                produce(topic, value, key, partition, None, None, timestamp)
            except BufferError:
                self._send_when_there_is_room(topic, key, value, timestamp, None, partition)
        self._changes.clear()

    def _send_when_there_is_room(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers, partition: int
    ) -> None:
        while not self._stopping():
            try:
                self._producer.produce(topic, value, key, partition, None, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._producer.poll(_FULL_WAIT_S)
                self.check()
                continue
            return
        raise NotReady("Kafka", f"write to {topic}", "the broker does not take records, and the query is to stop")

    def serve(self) -> None:
        """Takes delivery reports; call it often."""
        self._producer.poll(0)

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            Refused: the broker refused it, or could not be reached for minutes.
        """
        if self._failure is not None:
            raise Refused("Kafka", "write output", status=self._failure.code(), body=self._failure.str())

    def commit(self, consumer: Consumer, offsets: Sequence[TopicPartition]) -> None:
        """Makes what was written so far durable, then the offsets of what was read.

        Raises:
            NotReady: the broker did not take everything within the deadline.
            Refused: the broker refused a record.
            KafkaException: the commit itself failed.
        """
        self.check()
        self._send_changes()
        if self._in_transaction:
            group = consumer.consumer_group_metadata()
            _bounded("add offsets", _COMMIT_S, self._producer.send_offsets_to_transaction, list(offsets), group)
            _bounded("commit", _COMMIT_S, self._producer.commit_transaction)
            self._in_transaction = False
            return
        self._flush()
        if offsets:
            consumer.commit(offsets=list(offsets), asynchronous=False)

    def _flush(self) -> None:
        left = self._producer.flush(_FLUSH_S)
        self.check()
        if left:
            raise NotReady("Kafka", "write output", f"{left} records not taken within {_FLUSH_S:.0f} s")

    def take_counts(self) -> list[tuple[str, int]]:
        """How many output records there were by topic since this was last asked."""
        taken = list(self._produced.items())
        self._produced.clear()
        return taken

    def close(self) -> None:
        """Gives up what was not committed."""
        if not self._in_transaction:
            self._producer.purge()
            return
        self._in_transaction = False
        try:
            _bounded("abort", _COMMIT_S, self._producer.abort_transaction)
        except (KafkaException, NotReady) as error:
            # The next session's beginning ends the transaction.
            _log.warning("a transaction is left open for now: %s", error)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and error.name() != "_PURGE_QUEUE":
            self._failure = error


def _bounded(request: str, limit_s: float, call: Callable[..., object], *arguments: object) -> None:
    """Makes a call about a transaction, with a time limit as its last argument, that ends in time whatever happens.

    The library's own time limit does not hold when the broker is killed while it is asked about offsets: such a call
    never returns. It is left alone then with its producer, whose transaction the next session's producer ends.

    Raises:
        NotReady: it took too long.
        KafkaException: it failed.
    """
    done: Future[None] = Future()

    def make() -> None:
        try:
            call(*arguments, limit_s)
        except KafkaException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=make, name=f"transaction: {request}", daemon=True).start()
    try:
        done.result(limit_s + 1)
    except FutureTimeout:
        raise NotReady("Kafka", f"{request} of a transaction", f"no answer within {limit_s:.0f} s") from None
