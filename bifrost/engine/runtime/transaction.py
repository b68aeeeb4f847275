"""Transactions of a query under exactly-once: output, state and offsets become visible together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import KafkaException, Producer, TopicPartition

from bifrost.errors import NotReady

_BEGIN_S = 30.0
_COMMIT_S = 6.0
_log = logging.getLogger(__name__)


class Transaction:
    """The transactions of one producer, one after another. `group` is the metadata of the group of their offsets."""

    def __init__(self, producer: Producer, group: object) -> None:
        """Aborts the transaction that a killed predecessor left open: its records never become visible.

        Raises:
            NotReady: it took too long.
            KafkaException: the broker refused.
        """
        self._producer = producer
        self._group = group
        self._is_open = False
        bounded("begin", _BEGIN_S, producer.init_transactions)

    def begin(self) -> None:
        """Opens a transaction if none is open."""
        if not self._is_open:
            self._producer.begin_transaction()
            self._is_open = True

    def commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Makes everything written since `begin` visible, together with the offsets.

        Raises:
            NotReady: it took too long.
            KafkaException: it failed.
        """
        if not self._is_open:
            return
        bounded("add offsets", _COMMIT_S, self._producer.send_offsets_to_transaction, list(offsets), self._group)
        bounded("commit", _COMMIT_S, self._producer.commit_transaction)
        self._is_open = False

    def abort(self) -> None:
        """Discards what was written since `begin`."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            bounded("abort", _COMMIT_S, self._producer.abort_transaction)
        except (KafkaException, NotReady) as error:
            # The transactions of the next run begin by aborting it.
            _log.warning("transaction not aborted, it stays open until the query starts again: %s", error)


def bounded(request: str, limit_s: float, call: Callable[..., object], *arguments: object) -> None:
    """Calls a method of a transaction, with a time limit as its last argument, and enforces the limit.

    The library's own time limit does not hold if the broker is killed while it handles offsets: then the call never
    returns. The call and its producer are abandoned; the producer of the next run aborts the transaction.

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
