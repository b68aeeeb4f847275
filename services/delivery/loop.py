"""The loop that every notification service runs: records of an alert topic become messages to people.

Delivery is at least once and in order per partition; a loop that may have several requests in flight keeps the order of
the messages that belong together. A record is committed once its message was accepted, suppressed or written to the
dead-letter topic, or once it needs no message, and all records before it are finished, too. While a destination must
wait, the partitions whose next message goes there are paused, and polling continues so that the consumer stays in its
group.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, assert_never

from bifrost.backoff import Backoff
from bifrost.clients.consumer_group import Partition, Record
from bifrost.errors import RemoteError, SettingError
from bifrost.metrics.families import Counter, Gauge
from services.delivery.backlog import DEAD_LETTER_TOPIC, Backlog, Hold, OrderMarks, PendingRecord, one_order
from services.delivery.channel import (
    AccountRefused,
    Channel,
    ComposeRecord,
    Delivered,
    HeldBack,
    N,
    Outcome,
    RetryAfter,
    Suppressed,
    TemporaryFailure,
    Undeliverable,
)
from services.delivery.threaded_channel import batch_channel

POLL_S = 0.1
# Short, because messages since the last commit are sent again after a crash.
COMMIT_INTERVAL_S = 0.1
REPORT_INTERVAL_S = 10.0
MAX_RECORDS_PER_TURN = 200
"""Records of one partition per turn: a long backlog must not delay the next poll."""
MAX_TURN_S = 1.0
MAX_BACKLOG = 2_000
"""A partition with this many waiting records is paused until half of them are delivered."""
BACKOFF = Backoff()

NOTIFICATIONS = Counter(
    "bifrost_notifications_total",
    "Records of alert topics by outcome, and how often a delivery waited",
    "alert",
    "outcome",
)
LAG = Gauge("bifrost_notifications_lag_records", "Records of an alert's topic that are not finished yet", "alert")
WAITING = Gauge("bifrost_notifications_waiting", "Records that were read and are not finished yet", "alert")

_log = logging.getLogger("delivery")


class Source(Protocol):
    """The part of a consumer group's member that the loop needs (`bifrost.clients.consumer_group.ConsumerGroup`)."""

    def subscribe(self, on_revoked: Callable[[Collection[Partition]], None]) -> None:
        """Join the group; `on_revoked` is called within `poll` and `close`."""
        ...

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """Return the next records, or none after the timeout."""
        ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Stop fetching these partitions."""
        ...

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch these partitions again."""
        ...

    def commit(self, positions: Mapping[Partition, int], *, wait: bool = False) -> None:
        """Commit these next offsets for the group."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class DeadLetters(Protocol):
    """The destination of undeliverable records."""

    def put(self, record: Record, reason: str) -> None:
        """Store a record; raises `RemoteError` if the broker did not confirm it."""
        ...


@dataclass(slots=True)
class Counters:
    """The fate of the records, and how often a delivery had to wait."""

    delivered: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    suppressed: int = 0
    rate_limited: int = 0
    retried: int = 0

    def count(self, outcome: str) -> None:
        """Count an outcome, one of the fields."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', '-')} {getattr(self, name)}" for name in self.__dataclass_fields__)


class DeliveryLoop(Generic[N]):
    """Delivers the records of a source through a channel until it is asked to stop."""

    def __init__(
        self,
        source: Source,
        channel: Channel[N],
        compose: ComposeRecord[N],
        dead_letters: DeadLetters,
        *,
        clock: Callable[[], float],
        is_stopping: Callable[[], bool],
        name: str = "",
        alert: str = "",
        in_flight: int = 1,
        order_marks: OrderMarks[N] = one_order,
    ) -> None:
        """Wire the parts.

        Args:
            clock: returns seconds since any fixed moment.
            name: prefix of the counters in the log.
            alert: the alert in the metrics; by default the name.
            in_flight: the most requests of one partition at the same time; above 1, a channel that is not a
                `BatchChannel` must be thread-safe.
            order_marks: says which of them must follow each other.
        """
        self.counters = Counters()
        self._source = source
        self._channel = batch_channel(channel, in_flight)
        self._compose = compose
        self._dead_letters = dead_letters
        self._clock = clock
        self._is_stopping = is_stopping
        self._log_prefix = f"{name}: " if name else ""
        self._alert = alert or name
        self._in_flight = in_flight
        self._order_marks = order_marks
        self._backlogs: dict[Partition, Backlog[N]] = {}
        self._holds: dict[str, Hold] = {}
        self._positions: dict[Partition, int] = {}
        self._committed_at = self._reported_at = clock()
        self._last_report = ""

    def run(self) -> None:
        """Deliver until asked to stop, then commit what was delivered and leave the group.

        Raises:
            SettingError: the channel refuses the account; messages accepted before are committed.
            RemoteError: the source can no longer be read.
        """
        for outcome in self.counters.__dataclass_fields__:
            NOTIFICATIONS.add(self._alert, outcome, by=0)
        stop_computing = WAITING.compute(lambda: {(self._alert,): self._waiting()})
        try:
            self._source.subscribe(self._revoked)
            while not self._is_stopping():
                self.turn()
        finally:
            # Before leaving the group: afterwards the broker refuses the commit.
            self._commit(wait=True)
            self._source.close()
            self._channel.close()
            stop_computing()
            self._report()

    def _waiting(self) -> int:
        return sum(len(backlog.pending) for backlog in tuple(self._backlogs.values()))

    def _count(self, outcome: str) -> None:
        self.counters.count(outcome)
        NOTIFICATIONS.add(self._alert, outcome)

    def turn(self) -> None:
        """Poll once, deliver part of each backlog, then commit and report if due."""
        for record in self._source.poll(self._poll_timeout_s()):
            backlog = self._backlogs.setdefault(record.topic_partition, Backlog())
            backlog.pending.append(PendingRecord(record, self._compose(record)))
        ends_at = self._clock() + MAX_TURN_S
        for partition in list(self._backlogs):
            self._deliver_part(partition, ends_at)
        self._pause_and_resume()
        if self._clock() - self._committed_at >= COMMIT_INTERVAL_S:
            self._commit()
        if self._clock() - self._reported_at >= REPORT_INTERVAL_S:
            self._report()

    def _poll_timeout_s(self) -> float:
        """Return 0 if something can be delivered now, else the time until something can."""
        now = self._clock()
        waits = [self._hold_s(backlog, now) for backlog in self._backlogs.values() if backlog.pending]
        return min([POLL_S, *waits])

    def _hold_s(self, backlog: Backlog[N], now: float) -> float:
        hold = self._holds.get(backlog.pending[0].destination)
        return max(hold.until - now, 0.0) if hold else 0.0

    def _deliver_part(self, partition: Partition, ends_at: float) -> None:
        backlog = self._backlogs[partition]
        left = min(MAX_RECORDS_PER_TURN, len(backlog.pending))
        while left > 0 and backlog.pending:
            now = self._clock()
            if self._is_stopping() or now >= ends_at or self._hold_s(backlog, now) > 0:
                return
            together = backlog.sent_together(min(left, self._in_flight), self._order_marks, self._holds)
            left -= len(together)
            for pending, outcome in zip(together, self._attempt(together), strict=True):
                pending.is_finished = self._finish(pending, outcome)
                self._advance(partition, backlog)
            # The records behind an unfinished one wait as well, so that the messages stay in order.
            if not all(pending.is_finished for pending in together):
                return

    def _attempt(self, together: Sequence[PendingRecord[N]]) -> Sequence[Outcome | None]:
        """Make one attempt for each record; return its outcome, `None` if the record needs no message."""
        messages = [message for pending in together if (message := pending.notification) is not None]
        if len(together) > 1:
            return self._channel.send_together(messages)
        return [self._channel.send(messages[0]) if messages else None]

    def _finish(self, pending: PendingRecord[N], outcome: Outcome | None) -> bool:
        """Apply the outcome of an attempt; return whether the record is finished."""
        if pending.is_finished:
            return True
        match pending.content:
            case None:
                self._count("skipped")
                return True
            case Undeliverable(reason):
                return self._dead_letter(pending, reason)
        return outcome is not None and self._apply(pending, outcome)

    def _advance(self, partition: Partition, backlog: Backlog[N]) -> None:
        """Remove the finished records at the head of a backlog; the next commit includes them."""
        while backlog.pending and backlog.pending[0].is_finished:
            self._positions[partition] = backlog.pending.popleft().record.offset + 1

    def _apply(self, pending: PendingRecord[N], outcome: Outcome) -> bool:
        match outcome:
            case Delivered():
                self._count("delivered")
                self._release(pending.destination)
                return True
            case Suppressed():
                self._count("suppressed")
                return True
            case RetryAfter(seconds):
                self._count("rate_limited")
                _log.info("%s: rate limit, waiting %g s", pending.destination, seconds)
                held = self._holds.get(pending.destination)
                until = self._clock() + seconds
                self._holds[pending.destination] = Hold(max(until, held.until) if held else until)
                return False
            case HeldBack(seconds, until):
                self._hold_back(pending.destination, seconds, until)
                return False
            case TemporaryFailure(reason):
                self._back_off(pending, reason)
                return False
            case Undeliverable(reason):
                # Remember the verdict: while the dead-letter topic is unavailable, the message must not be sent again.
                pending.content = outcome
                return self._dead_letter(pending, reason)
            case AccountRefused(setting, reason):
                raise SettingError(setting, reason)
            case _:
                assert_never(outcome)

    def _release(self, destination: str) -> None:
        """Forget an expired hold, and with it the count of failures on which the next delay depends."""
        hold = self._holds.get(destination)
        # A hold that has not expired comes from a request that was in flight together with the delivered one.
        if hold is not None and hold.until <= self._clock():
            del self._holds[destination]

    def _hold_back(self, destination: str, seconds: float, until: str) -> None:
        previous = self._holds.get(destination)
        self._holds[destination] = Hold(self._clock() + seconds, quiet_until=until)
        if previous is None or previous.quiet_until != until:
            self._report()

    def _dead_letter(self, pending: PendingRecord[N], reason: str) -> bool:
        try:
            self._dead_letters.put(pending.record, reason)
        except RemoteError as error:
            self._back_off(pending, str(error))
            return False
        self._count("dead_lettered")
        self._holds.pop(DEAD_LETTER_TOPIC, None)
        _log.warning("%s dead-lettered: %s", pending.record, reason)
        return True

    def _back_off(self, pending: PendingRecord[N], reason: str) -> None:
        self._count("retried")
        hold = self._holds.get(pending.destination)
        # Requests that fail together count as one failure.
        failures = (hold.failures + (hold.until <= self._clock()) if hold else 0) or 1
        delay_s = BACKOFF.delay(failures)
        _log.warning("%s: %s; retrying %s in %g s", pending.destination, reason, pending.record, delay_s)
        self._holds[pending.destination] = Hold(self._clock() + delay_s, failures)

    def _pause_and_resume(self) -> None:
        """Pause the partitions that must wait or have a full backlog, and resume the others."""
        now = self._clock()
        changes: dict[bool, list[Partition]] = {True: [], False: []}
        for partition, backlog in self._backlogs.items():
            limit = MAX_BACKLOG // 2 if backlog.paused else MAX_BACKLOG
            paused = self._must_wait(backlog, now) or len(backlog.pending) >= limit
            if paused != backlog.paused:
                backlog.paused = paused
                changes[paused].append(partition)
        if changes[True]:
            self._source.pause(changes[True])
        if changes[False]:
            self._source.resume(changes[False])

    def _must_wait(self, backlog: Backlog[N], now: float) -> bool:
        """Return whether to fetch no more records for now.

        During quiet hours fetching continues up to the backlog's limit, so that the log can say how many messages wait.
        """
        if not backlog.pending or self._hold_s(backlog, now) <= 0:
            return False
        return not self._holds[backlog.pending[0].destination].quiet_until

    def _revoked(self, partitions: Collection[Partition]) -> None:
        """Give partitions up; another member continues after the last committed record."""
        self._commit(wait=True)
        for partition in partitions:
            # Their undelivered records go to the next member: delivered here as well, they would arrive twice.
            self._backlogs.pop(partition, None)

    def _commit(self, *, wait: bool = False) -> None:
        if self._positions:
            self._source.commit(self._positions, wait=wait)
            self._positions = {}
        self._committed_at = self._clock()

    def _report(self) -> None:
        self._reported_at = self._clock()
        line = f"{self._log_prefix}{self.counters}{self._held_back()}"
        if line != self._last_report:
            self._last_report = line
            _log.info("%s", line)

    def _held_back(self) -> str:
        """Return how many messages wait for the end of quiet hours; an empty text if there are none."""
        texts = []
        for destination, hold in self._holds.items():
            waiting = [
                pending
                for backlog in self._backlogs.values()
                for pending in backlog.pending
                if hold.quiet_until and pending.destination == destination
            ]
            if waiting:
                is_full = any(len(backlog.pending) >= MAX_BACKLOG for backlog in self._backlogs.values())
                count = f"{'at least ' if is_full else ''}{len(waiting)}"
                texts.append(f"; {count} held back until {hold.quiet_until} (quiet hours)")
        return "".join(texts)
