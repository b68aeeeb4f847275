"""The one account of what a query has sent and what the broker has acknowledged.

A commit may write changes of state only once the broker has every result before them. Results are counted as they are
sent and as their delivery reports come in, between one commit and the next, so that records sent meanwhile for the next
commit do not delay this one.
"""

from __future__ import annotations

from collections import Counter

from confluent_kafka import KafkaError, Message

from bifrost.clients.kafka import DeliveryCallback
from bifrost.errors import Refused


class DeliveryCount:
    """Counts a group of records until the broker has all of them. `sent` is final once the group takes no more."""

    __slots__ = ("_acknowledged", "_ledger", "sent")

    def __init__(self, ledger: DeliveryLedger, sent: int = 0) -> None:
        self._ledger = ledger
        self._acknowledged = 0
        self.sent = sent

    def delivered(self, error: KafkaError | None, _message: Message) -> None:
        """Takes the delivery report of one of its records."""
        if error is None:
            self._acknowledged += 1
        else:
            self._ledger.failure = error

    @property
    def is_complete(self) -> bool:
        """Whether the broker has all of its records; valid once `sent` is final."""
        return self._acknowledged >= self.sent


class DeliveryLedger:
    """Knows when all results are written.

    Senders add to `sent` (records by topic) and pass `report` to the producer with each record. `failure` is the error
    of a record that the broker will never have.
    """

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.failure: KafkaError | None = None
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

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            Refused: the broker refused it, or was unreachable for minutes.
        """
        if self.failure is not None:
            raise Refused("Kafka", "write output", status=self.failure.code(), body=self.failure.str())
