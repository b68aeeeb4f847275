"""The loop that every notification service runs: records of an alert topic become messages to people.

At least once, in order per partition: a record is committed when its message was accepted, put among the dead letters,
collapsed into another one or has nothing to say. While an outside API wants to be left alone, the partitions whose next
message goes there are paused and polling goes on, so that the group membership holds.
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
    LeftOut,
    N,
    Outcome,
    RetryAfter,
    TryAgain,
    Undeliverable,
)

POLL_S = 0.1
COMMIT_EVERY_S = 0.1
REPORT_EVERY_S = 10.0
SLICE = 200
"""Most records of a partition in one turn: polling must come around however long the backlog is."""
SLICE_S = 1.0
BACKLOG = 2_000
"""A partition with so many records waiting is paused until half of them are gone."""
BACKOFF = Backoff()

DEAD_LETTERS = "the dead-letter topic"

_log = logging.getLogger("delivery")


class Source(Protocol):
    """What the loop needs of a consumer group's member (`bifrost.clients.consumer_group.ConsumerGroup`)."""

    def subscribe(self, on_revoked: Callable[[Collection[Partition]], None]) -> None:
        """Join; `on_revoked` is called inside of `poll` and `close`."""
        ...

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """Records, or none after the timeout."""
        ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Get no records of these."""
        ...

    def resume(self, partitions: Collection[Partition]) -> None:
        """Get records of these again."""
        ...

    def commit(self, positions: Mapping[Partition, int], *, wait: bool = False) -> None:
        """Let the group stand at these offsets."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


class DeadLetters(Protocol):
    """Where undeliverable records go."""

    def put(self, record: Record, reason: str) -> None:
        """Keep a record; raises `RemoteError` when it is not safely there."""
        ...


@dataclass(slots=True)
class Counters:
    """What became of the records, and how often a delivery had to wait."""

    delivered: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    collapsed: int = 0
    rate_limited: int = 0
    retried: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', '-')} {getattr(self, name)}" for name in self.__dataclass_fields__)


@dataclass(slots=True)
class Hold:
    """A destination that is left alone until a moment of the clock; `failures` counts its failures in a row."""

    until: float
    failures: int


@dataclass(slots=True)
class _Letter(Generic[N]):
    record: Record
    content: N | Undeliverable | None

    @property
    def destination(self) -> str:
        match self.content:
            case None:
                return ""
            case Undeliverable():
                return DEAD_LETTERS
            case notification:
                return notification.destination


@dataclass(slots=True)
class _Backlog(Generic[N]):
    letters: deque[_Letter[N]] = field(default_factory=deque)
    paused: bool = False


class Delivery(Generic[N]):
    """Delivers the records of a source through a channel until told to stop."""

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
        """Wire the parts; `clock` gives seconds from any fixed moment, `name` stands before the counters in the log."""
        self.counters = Counters()
        self._source = source
        self._channel = channel
        self._compose = compose
        self._dead_letters = dead_letters
        self._clock = clock
        self._is_stopping = is_stopping
        self._title = f"{name}: " if name else ""
        self._backlogs: dict[Partition, _Backlog[N]] = {}
        self._holds: dict[str, Hold] = {}
        self._positions: dict[Partition, int] = {}
        self._committed_at = self._reported_at = clock()
        self._reported = ""

    def run(self) -> None:
        """Deliver until stopped, then commit what was delivered and leave the group.

        Raises:
            SettingError: the channel refuses the account; what it had accepted before is committed.
            RemoteError: the source can no longer be read.
        """
        self._source.subscribe(self._revoked)
        try:
            while not self._is_stopping():
                self.turn()
        finally:
            self._commit(wait=True)
            self._source.close()
            self._channel.close()
            self._report()

    def turn(self) -> None:
        """Poll once, deliver a slice of what is waiting, commit and report when it is time."""
        for record in self._source.poll(self._patience()):
            backlog = self._backlogs.setdefault(record.home, _Backlog())
            backlog.letters.append(_Letter(record, self._compose(record)))
        ends_at = self._clock() + SLICE_S
        for home in list(self._backlogs):
            self._deliver_slice(home, ends_at)
        self._balance()
        if self._clock() - self._committed_at >= COMMIT_EVERY_S:
            self._commit()
        if self._clock() - self._reported_at >= REPORT_EVERY_S:
            self._report()

    def _patience(self) -> float:
        """How long a poll may wait: not at all while there is something to deliver."""
        now = self._clock()
        waits = [self._held_for(backlog, now) for backlog in self._backlogs.values() if backlog.letters]
        return min([POLL_S, *waits])

    def _held_for(self, backlog: _Backlog[N], now: float) -> float:
        hold = self._holds.get(backlog.letters[0].destination)
        return max(hold.until - now, 0.0) if hold else 0.0

    def _deliver_slice(self, home: Partition, ends_at: float) -> None:
        backlog = self._backlogs[home]
        for _ in range(min(SLICE, len(backlog.letters))):
            now = self._clock()
            if self._is_stopping() or now >= ends_at or self._held_for(backlog, now) > 0:
                return
            letter = backlog.letters[0]
            if not self._is_settled(letter):
                return
            backlog.letters.popleft()
            self._positions[home] = letter.record.offset + 1

    def _is_settled(self, letter: _Letter[N]) -> bool:
        """Whether the record is done with, now that it was tried."""
        match letter.content:
            case None:
                self.counters.skipped += 1
                return True
            case Undeliverable(reason):
                return self._is_buried(letter, reason)
            case notification:
                return self._is_accepted(letter, self._channel.send(notification))

    def _is_accepted(self, letter: _Letter[N], outcome: Outcome) -> bool:
        match outcome:
            case Delivered():
                self.counters.delivered += 1
                self._holds.pop(letter.destination, None)
                return True
            case LeftOut():
                self.counters.collapsed += 1
                return True
            case RetryAfter(seconds, reason):
                self.counters.rate_limited += 1
                _log.info("%s: %s, waiting %g s", letter.destination, reason, seconds)
                self._holds[letter.destination] = Hold(self._clock() + seconds, 0)
                return False
            case TryAgain(reason):
                self._back_off(letter, reason)
                return False
            case Undeliverable(reason):
                # Kept, so that a dead-letter topic that is not there yet does not mean another try to send.
                letter.content = outcome
                return self._is_buried(letter, reason)
            case AccountRefused(setting, reason):
                raise SettingError(setting, reason)
            case _:
                assert_never(outcome)

    def _is_buried(self, letter: _Letter[N], reason: str) -> bool:
        try:
            self._dead_letters.put(letter.record, reason)
        except RemoteError as error:
            self._back_off(letter, str(error))
            return False
        self.counters.dead_lettered += 1
        self._holds.pop(DEAD_LETTERS, None)
        _log.warning("%s dead-lettered: %s", letter.record, reason)
        return True

    def _back_off(self, letter: _Letter[N], reason: str) -> None:
        self.counters.retried += 1
        known = self._holds.get(letter.destination)
        failures = known.failures + 1 if known else 1
        pause_s = BACKOFF.delay(failures)
        _log.warning("%s: %s; trying %s again in %g s", letter.destination, reason, letter.record, pause_s)
        self._holds[letter.destination] = Hold(self._clock() + pause_s, failures)

    def _balance(self) -> None:
        """Pause the partitions that cannot go on or have enough waiting, resume those that can."""
        now = self._clock()
        changes: dict[bool, list[Partition]] = {True: [], False: []}
        for home, backlog in self._backlogs.items():
            room = BACKLOG // 2 if backlog.paused else BACKLOG
            held = bool(backlog.letters) and self._held_for(backlog, now) > 0
            wanted = held or len(backlog.letters) >= room
            if wanted != backlog.paused:
                backlog.paused = wanted
                changes[wanted].append(home)
        if changes[True]:
            self._source.pause(changes[True])
        if changes[False]:
            self._source.resume(changes[False])

    def _revoked(self, partitions: Collection[Partition]) -> None:
        """Give partitions up: another member goes on where the last accepted record was."""
        self._commit(wait=True)
        for home in partitions:
            self._backlogs.pop(home, None)

    def _commit(self, *, wait: bool = False) -> None:
        if self._positions:
            self._source.commit(self._positions, wait=wait)
            self._positions = {}
        self._committed_at = self._clock()

    def _report(self) -> None:
        self._reported_at = self._clock()
        line = f"{self._title}{self.counters}"
        if line != self._reported:
            self._reported = line
            _log.info("%s", line)
