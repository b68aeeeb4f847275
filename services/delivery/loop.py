"""The loop that every notification service runs: records of an alert topic become messages to people.

Delivery is at least once and in order per partition. A record is committed once its message was accepted, suppressed or
written to the dead-letter topic, or once it needs no message. While a destination must wait, the partitions whose next
message goes there are paused, and polling continues so that the consumer stays in its group.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, assert_never

from bifrost.backoff import Backoff
from bifrost.clients.consumer_group import Partition, Record
from bifrost.errors import RemoteError, SettingError
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

DEAD_LETTER_TOPIC = "the dead-letter topic"

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

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', '-')} {getattr(self, name)}" for name in self.__dataclass_fields__)


@dataclass(slots=True)
class Hold:
    """Blocks a destination until a moment of the clock.

    `failures` counts its consecutive failures; `quiet_until` is set during quiet hours.
    """

    until: float
    failures: int = 0
    quiet_until: str = ""


@dataclass(slots=True)
class _PendingRecord(Generic[N]):
    record: Record
    content: N | Undeliverable | None

    @property
    def destination(self) -> str:
        match self.content:
            case None:
                return ""
            case Undeliverable():
                return DEAD_LETTER_TOPIC
            case notification:
                return notification.destination


@dataclass(slots=True)
class _Backlog(Generic[N]):
    pending: deque[_PendingRecord[N]] = field(default_factory=deque)
    paused: bool = False


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
    ) -> None:
        """Wire the parts.

        Args:
            clock: returns seconds since any fixed moment.
            name: prefix of the counters in the log.
        """
        self.counters = Counters()
        self._source = source
        self._channel = channel
        self._compose = compose
        self._dead_letters = dead_letters
        self._clock = clock
        self._is_stopping = is_stopping
        self._log_prefix = f"{name}: " if name else ""
        self._backlogs: dict[Partition, _Backlog[N]] = {}
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
        try:
            self._source.subscribe(self._revoked)
            while not self._is_stopping():
                self.turn()
        finally:
            # Before leaving the group: afterwards the broker refuses the commit.
            self._commit(wait=True)
            self._source.close()
            self._channel.close()
            self._report()

    def turn(self) -> None:
        """Poll once, deliver part of each backlog, then commit and report if due."""
        for record in self._source.poll(self._poll_timeout_s()):
            backlog = self._backlogs.setdefault(record.topic_partition, _Backlog())
            backlog.pending.append(_PendingRecord(record, self._compose(record)))
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

    def _hold_s(self, backlog: _Backlog[N], now: float) -> float:
        hold = self._holds.get(backlog.pending[0].destination)
        return max(hold.until - now, 0.0) if hold else 0.0

    def _deliver_part(self, partition: Partition, ends_at: float) -> None:
        backlog = self._backlogs[partition]
        for _ in range(min(MAX_RECORDS_PER_TURN, len(backlog.pending))):
            now = self._clock()
            if self._is_stopping() or now >= ends_at or self._hold_s(backlog, now) > 0:
                return
            first = backlog.pending[0]
            # The records behind it wait as well, so that the messages of a partition stay in order.
            if not self._process(first):
                return
            backlog.pending.popleft()
            self._positions[partition] = first.record.offset + 1

    def _process(self, pending: _PendingRecord[N]) -> bool:
        """Make one attempt; return whether the record is finished."""
        match pending.content:
            case None:
                self.counters.skipped += 1
                return True
            case Undeliverable(reason):
                return self._dead_letter(pending, reason)
            case notification:
                return self._apply(pending, self._channel.send(notification))

    def _apply(self, pending: _PendingRecord[N], outcome: Outcome) -> bool:
        match outcome:
            case Delivered():
                self.counters.delivered += 1
                # Also resets the count of failures, on which the next delay depends.
                self._holds.pop(pending.destination, None)
                return True
            case Suppressed():
                self.counters.suppressed += 1
                return True
            case RetryAfter(seconds):
                self.counters.rate_limited += 1
                _log.info("%s: rate limit, waiting %g s", pending.destination, seconds)
                self._holds[pending.destination] = Hold(self._clock() + seconds)
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

    def _hold_back(self, destination: str, seconds: float, until: str) -> None:
        previous = self._holds.get(destination)
        self._holds[destination] = Hold(self._clock() + seconds, quiet_until=until)
        if previous is None or previous.quiet_until != until:
            self._report()

    def _dead_letter(self, pending: _PendingRecord[N], reason: str) -> bool:
        try:
            self._dead_letters.put(pending.record, reason)
        except RemoteError as error:
            self._back_off(pending, str(error))
            return False
        self.counters.dead_lettered += 1
        self._holds.pop(DEAD_LETTER_TOPIC, None)
        _log.warning("%s dead-lettered: %s", pending.record, reason)
        return True

    def _back_off(self, pending: _PendingRecord[N], reason: str) -> None:
        self.counters.retried += 1
        hold = self._holds.get(pending.destination)
        failures = hold.failures + 1 if hold else 1
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

    def _must_wait(self, backlog: _Backlog[N], now: float) -> bool:
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
