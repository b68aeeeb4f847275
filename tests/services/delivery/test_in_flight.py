"""What holds while several requests are in flight: each message once, in order where they belong together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from bifrost.clients.consumer_group import Partition, Record
from services.delivery.channel import Delivered, Outcome, RetryAfter, TemporaryFailure, Undeliverable
from services.delivery.loop import DeliveryLoop
from tests.fakes.alerts import FakeChannel, FakeDeadLetters, FakeSource, FakeTopic, Note
from tests.fakes.clock import FakeClock

HOME = Partition("alerts", 0)
IN_FLIGHT = 4


@dataclass
class Together:
    """Delivers every message, but only after as many have arrived at the same time as it has room for."""

    parties: int
    accepted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._barrier = threading.Barrier(self.parties, timeout=10)

    def send(self, notification: Note) -> Outcome:
        self._barrier.wait()
        self.accepted.append(notification.text)
        return Delivered()

    def close(self) -> None: ...


def topic_of(*texts: str) -> FakeTopic:
    """A topic of messages whose key is their first letter; a message that begins with `-` has no key."""
    keys = [None if text.startswith("-") else text[0].encode() for text in texts]
    records = [
        Record("alerts", 0, offset, key, text.encode(), ())
        for offset, (key, text) in enumerate(zip(keys, texts, strict=True))
    ]
    return FakeTopic({HOME: records})


def compose(record: Record) -> Note | Undeliverable:
    text = (record.value or b"").decode()
    return Undeliverable("unreadable") if text.endswith("!") else Note(text)


def loop_of(topic: FakeTopic, channel, clock: FakeClock) -> DeliveryLoop[Note]:
    return DeliveryLoop(
        FakeSource(topic, clock),
        channel,
        compose,
        FakeDeadLetters(),
        clock=clock.monotonic,
        is_stopping=lambda: False,
        in_flight=IN_FLIGHT,
        order_marks=lambda record, _note: [record.key] if record.key is not None else [],
    )


def test_messages_of_different_keys_are_in_flight_together():
    channel = Together(IN_FLIGHT)
    loop = loop_of(topic_of("a1", "b1", "-1", "-2"), channel, FakeClock())
    loop.turn()
    assert sorted(channel.accepted) == ["-1", "-2", "a1", "b1"]


def test_a_message_waits_for_an_earlier_one_of_its_key():
    channel = Together(2)
    loop = loop_of(topic_of("a1", "b1", "a2", "c1"), channel, FakeClock())
    loop.turn()
    assert [sorted(channel.accepted[:2]), sorted(channel.accepted[2:])] == [["a1", "b1"], ["a2", "c1"]]


class Batches:
    """A channel that takes several messages in one call; `calls` are their texts."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def send(self, notification: Note) -> Outcome:
        return self.send_together([notification])[0]

    def send_together(self, notifications: Sequence[Note]) -> list[Outcome]:
        self.calls.append([note.text for note in notifications])
        return [Undeliverable("no such room") if note.text == "b1" else Delivered() for note in notifications]

    def close(self) -> None: ...


def test_a_channel_that_takes_several_messages_gets_those_of_different_keys():
    channel, topic = Batches(), topic_of("a1", "b1", "a2", "c1", "d1!", "e1")
    loop = loop_of(topic, channel, FakeClock())
    loop.turn()
    assert channel.calls == [["a1", "b1"], ["a2", "c1"], ["e1"]]
    assert (loop.counters.delivered, loop.counters.dead_lettered) == (4, 2)


class Limited(FakeChannel):
    """Refuses the message `a1` once for its rate."""

    def send(self, notification: Note) -> Outcome:
        self.tried.append(notification.text)
        if self.tried.count("a1") == 1 and notification.text == "a1":
            return RetryAfter(5.0)
        self.accepted.append(notification.text)
        return Delivered()


def test_a_rate_limit_holds_although_others_were_delivered_beside_it():
    clock, topic = FakeClock(), topic_of("a1", "b1", "c1", "d1", "e1")
    channel = Limited(clock)
    loop = loop_of(topic, channel, clock)
    loop.turn()
    assert sorted(channel.accepted) == ["b1", "c1", "d1"]
    while clock.now < 4.9:
        loop.turn()
    # Nothing is committed beyond the message that waits, and nothing else is sent meanwhile.
    assert (sorted(channel.accepted), topic.position()) == (["b1", "c1", "d1"], 0)
    while clock.now < 6:
        loop.turn()
    assert (sorted(channel.accepted), topic.position()) == (["a1", "b1", "c1", "d1", "e1"], 5)


class Scripted:
    """Draws the outcome of each attempt from a list, then delivers everything."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self._outcomes = outcomes
        self._lock = threading.Lock()
        self.accepted: list[str] = []

    def send(self, notification: Note) -> Outcome:
        with self._lock:
            outcome = self._outcomes.pop() if self._outcomes else Delivered()
            if isinstance(outcome, Delivered):
                self.accepted.append(notification.text)
            return outcome

    def close(self) -> None: ...


OUTCOMES = st.sampled_from([Delivered(), RetryAfter(1.0), TemporaryFailure("down")])


@given(
    names=st.lists(st.sampled_from(["a", "b", "-", "a!", "b!"]), max_size=25),
    outcomes=st.lists(OUTCOMES, max_size=25),
)
def test_each_message_arrives_once_and_each_key_in_order(names: list[str], outcomes: list[Outcome]):
    texts = [f"{name[0]}{number}{name[1:]}" for number, name in enumerate(names)]
    clock, topic, channel = FakeClock(), topic_of(*texts), Scripted(outcomes)
    loop = loop_of(topic, channel, clock)
    while topic.position() < len(texts) and clock.now < 100_000:
        loop.turn()
        finished = set(channel.accepted) | {text for text in texts if text.endswith("!")}
        assert set(texts[: topic.position()]) <= finished
    assert sorted(channel.accepted) == sorted(text for text in texts if not text.endswith("!"))
    for key in "ab":
        sent = [text for text in channel.accepted if text[0] == key]
        assert sent == sorted(sent, key=lambda text: int(text[1:]))
