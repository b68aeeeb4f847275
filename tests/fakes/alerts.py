"""In-memory alert topic, channel and dead-letter topic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bifrost.clients.consumer_group import Partition, Record
from bifrost.errors import Unreachable
from services.delivery.channel import Delivered, Outcome, Undeliverable
from tests.fakes.clock import FakeClock


class Killed(BaseException):
    """Stands for kill -9: no clean-up of the code under test may rely on it."""


@dataclass(frozen=True)
class Note:
    text: str
    destination: str = "chat"


def compose(value: bytes | None) -> Note | Undeliverable | None:
    """`text` or `text@destination`; `!` cannot be read."""
    if value is None:
        return None
    text, _, destination = value.decode().partition("@")
    return Undeliverable("unreadable") if text == "!" else Note(text, destination or "chat")


@dataclass
class FakeTopic:
    """The log and the group's positions; they outlive their members."""

    records: dict[Partition, list[Record]] = field(default_factory=dict)
    positions: dict[Partition, int] = field(default_factory=dict)

    def add(self, *values: str | None, partition: int = 0) -> None:
        home = Partition("alerts", partition)
        log = self.records.setdefault(home, [])
        for value in values:
            log.append(
                Record("alerts", partition, len(log), None, None if value is None else value.encode(), (("h", b"1"),))
            )

    def position(self, partition: int = 0) -> int:
        return self.positions.get(Partition("alerts", partition), 0)


class FakeSource:
    """A member of the group; `polls` counts, `waits` says how long polls were ready to wait."""

    def __init__(self, topic: FakeTopic, clock: FakeClock, batch: int = 500) -> None:
        self.topic = topic
        self.clock = clock
        self.batch = batch
        self.read = {home: topic.positions.get(home, 0) for home in topic.records}
        self.paused: set[Partition] = set()
        self.waits: list[float] = []
        self.commits: list[dict[Partition, int]] = []
        self.closed = False
        self._on_revoked: Callable[[Collection[Partition]], None] = lambda _partitions: None

    def subscribe(self, on_revoked: Callable[[Collection[Partition]], None]) -> None:
        self._on_revoked = on_revoked

    def poll(self, timeout_s: float) -> list[Record]:
        self.waits.append(timeout_s)
        found: list[Record] = []
        for home, log in self.topic.records.items():
            if home not in self.paused:
                fresh = log[self.read.get(home, 0) :][: self.batch - len(found)]
                self.read[home] = self.read.get(home, 0) + len(fresh)
                found += fresh
        if not found:
            self.clock.sleep(timeout_s)
        return found

    def pause(self, partitions: Collection[Partition]) -> None:
        assert not self.paused & set(partitions)
        self.paused |= set(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        assert self.paused >= set(partitions)
        self.paused -= set(partitions)

    def commit(self, positions: Mapping[Partition, int], *, wait: bool = False) -> None:
        self.commits.append(dict(positions))
        self.topic.positions.update(positions)

    def close(self) -> None:
        self._on_revoked(list(self.topic.records))
        self.closed = True

    def revoke(self, partitions: Iterable[int]) -> None:
        """Let a rebalance take partitions away."""
        homes = [Partition("alerts", number) for number in partitions]
        self._on_revoked(homes)
        for home in homes:
            self.read[home] = self.topic.positions.get(home, 0)
            self.paused.discard(home)


@dataclass
class FakeChannel:
    """Keeps what it accepted; `script` holds the next outcomes, then everything is delivered."""

    clock: FakeClock
    script: list[Outcome | BaseException] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    takes_s: float = 0.0
    closed: bool = False

    def send(self, notification: Note) -> Outcome:
        self.tried.append(notification.text)
        self.clock.now += self.takes_s
        outcome = self.script.pop(0) if self.script else Delivered()
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, Delivered):
            self.accepted.append(notification.text)
        return outcome

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeDeadLetters:
    """Keeps the dead; the first `failing` puts fail."""

    failing: int = 0
    kept: list[tuple[Record, str]] = field(default_factory=list)

    def put(self, record: Record, reason: str) -> None:
        if self.failing:
            self.failing -= 1
            raise Unreachable("Kafka", "dead letter", "no answer")
        self.kept.append((record, reason))
