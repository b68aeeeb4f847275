"""The one account of what a query has sent and what the broker has acknowledged.

A commit may write changes of state only once the broker has every result before them. Results are counted as they are
sent and as their delivery reports come in, between one commit and the next, so that records sent meanwhile for the next
commit do not delay this one.

A result that the broker refuses for what it is (its size, its time) is reported and counts as delivered: it would be
refused again after a restart. A refused change of state is a failure, since state would be lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from confluent_kafka import KafkaError, Message

from bifrost.clients.kafka import DeliveryCallback
from bifrost.engine.runtime.cluster import is_record_refused
from bifrost.errors import Refused

RefusedCallback = Callable[[str, int, KafkaError], None]
"""Receives a result that the broker refused: topic, partition (-1: unknown), reason."""


class DeliveryCount:
    """Counts a group of records until the broker has all of them. `sent` is final once the group takes no more.

    `skips_refused` says whether records may be refused.
    """

    __slots__ = ("_ledger", "acknowledged", "sent", "skips_refused")

    def __init__(self, ledger: DeliveryLedger, sent: int = 0, *, skips_refused: bool = True) -> None:
        self._ledger = ledger
        self.acknowledged = 0
        self.sent = sent
        self.skips_refused = skips_refused

    def delivered(self, error: KafkaError | None, message: Message) -> None:
        """Takes the delivery report of one of its records."""
        if error is None:
            self.acknowledged += 1
        else:
            self._ledger.take_failure(self, error, message)

    @property
    def is_complete(self) -> bool:
        """Whether the broker has all of its records; valid once `sent` is final."""
        return self.acknowledged >= self.sent


class DeliveryLedger:
    """Knows when all results are written.

    Senders add to `sent` (records by topic) and pass `report` to the producer with each record. `failure` is the error
    of a record that the broker will never have. `to_resend` are records that the broker refused only because another
    record of their batch was bad.
    """

    def __init__(self, refused: RefusedCallback) -> None:
        self.sent: Counter[str] = Counter()
        self.failure: KafkaError | None = None
        self.to_resend: list[tuple[DeliveryCount, Message]] = []
        self._refused = refused
        self._shown = 0  # records that `take_counts` has moved out of `sent`
        self._settled = 0  # records of groups that take no more
        self._current = DeliveryCount(self)
        self.report: DeliveryCallback = self._current.delivered

    def settle(self) -> DeliveryCount:
        """Closes the group of records sent since the last call and returns it; later records count for the next."""
        group, total = self._current, self._shown + self.sent.total()
        group.sent, self._settled = total - self._settled, total
        self._current = DeliveryCount(self)
        self.report = self._current.delivered
        return group

    def take_counts(self) -> list[tuple[str, int]]:
        """Returns the number of records by topic that were sent since the last call."""
        counts = list(self.sent.items())
        self._shown += self.sent.total()
        self.sent.clear()
        return counts

    def take_failure(self, group: DeliveryCount, error: KafkaError, message: Message) -> None:
        """Takes the report of a record that was not delivered."""
        if error.name() == "_INVALID_DIFFERENT_RECORD":
            self.to_resend.append((group, message))
        elif group.skips_refused and is_record_refused(error):
            group.acknowledged += 1
            partition = message.partition()
            self._refused(message.topic() or "", -1 if partition is None else partition, error)
        else:
            self.failure = error

    def take_unsent(self, topic: str, error: KafkaError) -> None:
        """Takes a result that the producer refused before it was sent."""
        if is_record_refused(error):
            self._current.acknowledged += 1
            self._refused(topic, -1, error)
        else:
            self.failure = error

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            Refused: the broker refused it, or was unreachable for minutes.
        """
        if self.failure is not None:
            raise Refused("Kafka", "write output", status=self.failure.code(), body=self.failure.str())
