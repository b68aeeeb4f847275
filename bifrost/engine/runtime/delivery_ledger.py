"""The one account of what a query has sent and what the broker has acknowledged.

A commit may write changes of state only once the broker has every result before them. Results are counted as they are
sent and as their delivery reports come in, between one commit and the next, so that records sent meanwhile for the next
commit do not delay this one.

A broker may refuse results for what they are: their size or their time, for example. It refuses whole batches, so which
record is to blame is unknown, and reports of refused records lack their times. Thus the first refusal ends the run
(`BatchRefused`). The next run keeps its records until they are acknowledged, and settles refused batches itself (see
`refused_batch`): a record that is to blame is reported and counts as delivered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from confluent_kafka import KafkaError, Message

from bifrost.clients.kafka import DeliveryCallback
from bifrost.engine.runtime.kafka_errors import is_record_refused
from bifrost.engine.topology.compiled import Headers
from bifrost.errors import BifrostError, Refused

RefusedCallback = Callable[[str, KafkaError], None]
"""Receives a result that the broker refused: its topic and the reason."""


class BatchRefused(BifrostError):
    """The broker refused results of a run that does not keep them."""


class OutputRecord(NamedTuple):
    """A result as it was sent; `partition` -1 leaves the choice to the producer, `timestamp` is epoch ms."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers
    partition: int


class DeliveryCount:
    """Counts a group of records until the broker has all of them. `sent` is final once the group takes no more.

    Reports may come in on another thread than that of the query. So each count is changed by one of the two threads:
    `acknowledged` and `failed` by the one that polls the producer, `skipped` by the one that sends.
    """

    __slots__ = ("_ledger", "acknowledged", "failed", "sent", "skipped")

    def __init__(self, ledger: DeliveryLedger) -> None:
        self._ledger = ledger
        self.acknowledged = 0
        self.failed = 0
        self.skipped = 0
        self.sent = 0

    def delivered(self, error: KafkaError | None, _message: Message) -> None:
        """Takes the delivery report of one of its records."""
        if error is None:
            self.acknowledged += 1
        else:
            self.failed += 1
            self._ledger.fail(error)

    def delivered_record(self, record: OutputRecord, error: KafkaError | None, message: Message) -> None:
        """Takes the delivery report of a record that was kept."""
        if error is not None and is_record_refused(error):
            self._ledger.refused_batch.append((self, record))
        else:
            self.delivered(error, message)

    def count_in(self, ledger: DeliveryLedger) -> None:
        """Reports later failures to another ledger."""
        self._ledger = ledger

    @property
    def is_complete(self) -> bool:
        """Whether the broker has all of its records; valid once `sent` is final."""
        return self.acknowledged + self.skipped >= self.sent

    @property
    def outstanding(self) -> int:
        """The number of its records whose reports have not come in; valid once `sent` is final."""
        return self.sent - self.acknowledged - self.skipped - self.failed


RefusedRecord = tuple[DeliveryCount, OutputRecord]
"""A record of a refused batch, and the group in which it counts."""


class DeliveryLedger:
    """Knows when all results are written.

    Senders add to `sent` (records by topic) and `sizes` (bytes by topic), and pass `report`, or for a record that is
    kept `report_of` it, to the producer. `failure` is the error of a record that the broker will never have,
    `refused_batch` are records of refused batches that are not settled yet.
    """

    def __init__(self, refused: RefusedCallback) -> None:
        self.sent: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()
        self.failure: KafkaError | None = None
        self.refused_batch: list[RefusedRecord] = []
        self._refused = refused
        self._shown = 0  # records that `take_counts` has moved out of `sent`
        self._settled = 0  # records of groups that take no more
        self._closed: list[DeliveryCount] = []
        self._current = DeliveryCount(self)
        self.report: DeliveryCallback = self._current.delivered

    def report_of(self, record: OutputRecord) -> DeliveryCallback:
        """Returns what takes the delivery report of a record, and keeps the record until then."""
        return partial(self._current.delivered_record, record)

    def settle(self) -> DeliveryCount:
        """Closes the group of records sent since the last call and returns it; later records count for the next."""
        group, total = self._current, self._shown + self.sent.total()
        group.sent, self._settled = total - self._settled, total
        self._add(group)
        self._current = DeliveryCount(self)
        self.report = self._current.delivered
        return group

    def forget_sent(self) -> None:
        """Forgets what was sent so far: its failures, also those whose reports come in later."""
        self.settle()
        aside = DeliveryLedger(self._refused)
        for group in self._closed:
            group.count_in(aside)
        self._closed.clear()
        self.failure = None
        self.refused_batch.clear()

    def group(self) -> DeliveryCount:
        """Returns a group for records that are no results; the sender counts them."""
        group = DeliveryCount(self)
        self._add(group)
        return group

    def _add(self, group: DeliveryCount) -> None:
        self._closed = [earlier for earlier in self._closed if earlier.outstanding > 0]
        self._closed.append(group)

    @property
    def outstanding(self) -> int:
        """The number of records whose reports have not come in."""
        self.settle()
        return sum(group.outstanding for group in self._closed)

    def take_counts(self) -> list[tuple[str, int, int]]:
        """Returns what was sent since the last call: topic, number of records, bytes of their keys and values."""
        counts = [(topic, records, self.sizes[topic]) for topic, records in self.sent.items()]
        self._shown += self.sent.total()
        self.sent.clear()
        self.sizes.clear()
        return counts

    def take_unsent(self, topic: str, error: KafkaError) -> None:
        """Takes a result that the producer itself refuses."""
        if is_record_refused(error):
            self.take_refusal(self._current, topic, error)
        else:
            self._current.skipped += 1
            self.fail(error)

    def fail(self, error: KafkaError) -> None:
        """Takes the error of a record that the broker will never have. A refusal is the cause of those around it."""
        if self.failure is None or (is_record_refused(error) and not is_record_refused(self.failure)):
            self.failure = error

    def take_refusal(self, group: DeliveryCount, topic: str, error: KafkaError) -> None:
        """Reports a record that is to blame for its refusal, and counts it as delivered."""
        group.skipped += 1
        self._refused(topic, error)

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            BatchRefused: the broker refused records for what one of them is.
            Refused: the broker refused it for another reason, or was unreachable for minutes.
        """
        if self.failure is None:
            return
        error = Refused("Kafka", "write output", status=self.failure.code(), body=self.failure.str())
        raise BatchRefused(str(error)) if is_record_refused(self.failure) else error
