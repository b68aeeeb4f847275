"""Transactions of a producer under exactly-once: output, state and offsets become visible together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from bifrost.engine.runtime.kafka_errors import is_record_refused
from bifrost.errors import NotReady

_BEGIN_S = 30.0
_COMMIT_S = 6.0


class Transaction:
    """The transactions of one producer, one after another. `group` is the metadata of the group of their offsets.

    Once it `is_lost`, the outcome of its last call is unknown or the producer has failed for good. Only another
    producer of the same transaction id settles what has become of the transaction.
    """

    def __init__(self, producer: Producer, group: object) -> None:
        """Aborts the transaction that a killed predecessor left open: its records never become visible.

        Raises:
            NotReady: it took too long.
            KafkaException: the broker refused.
        """
        self._producer = producer
        self._group = group
        self._is_open = False
        self.is_lost = False
        bounded("begin", _BEGIN_S, producer.init_transactions)

    def begin(self) -> None:
        """Opens a transaction if none is open.

        Raises:
            KafkaException: it failed.
        """
        if not self._is_open:
            try:
                self._producer.begin_transaction()
            except KafkaException:
                self.is_lost = True
                raise
            self._is_open = True

    def commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Makes everything written since `begin` visible, together with the offsets.

        Raises:
            NotReady: it took too long.
            KafkaException: it failed.
        """
        if not self._is_open:
            return
        self.add_offsets(offsets)
        try:
            self._call("commit", self._producer.commit_transaction)
        except KafkaException as error:
            # The library also demands an abort when the broker has answered a commit with an error, although the broker
            # may have committed. So the error proves nothing unless the request was never sent.
            self.is_lost = not _precedes_commit(error.args[0])
            raise
        self._is_open = False

    def add_offsets(self, offsets: Sequence[TopicPartition]) -> None:
        """Writes offsets of the group within the open transaction.

        Raises:
            NotReady: it took too long.
            KafkaException: it failed.
        """
        self._call("add offsets", self._producer.send_offsets_to_transaction, list(offsets), self._group)

    def abort(self) -> None:
        """Discards what was written since `begin`.

        Raises:
            NotReady: it took too long.
            KafkaException: it failed.
        """
        if self._is_open:
            self._call("abort", self._producer.abort_transaction)
            self._is_open = False

    def _call(self, request: str, call: Callable[..., object], *arguments: object) -> None:
        try:
            bounded(request, _COMMIT_S, call, *arguments)
        except NotReady:
            self.is_lost = True
            raise
        except KafkaException as error:
            self.is_lost = not error.args[0].txn_requires_abort()
            raise


def _precedes_commit(error: KafkaError) -> bool:
    """Whether an error of a commit says that a record was not delivered: then the library requests no commit."""
    return error.txn_requires_abort() and (error.name() == "_INCONSISTENT" or is_record_refused(error))


def bounded(request: str, limit_s: float, call: Callable[..., object], *arguments: object) -> None:
    """Calls a method of a transaction, with a time limit as its last argument, and enforces the limit.

    The library's own time limit does not hold if the broker is killed while it handles offsets: then the call never
    returns. The call and its producer are abandoned; the next producer of the transaction id aborts the transaction.

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
