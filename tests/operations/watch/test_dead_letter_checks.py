"""Dead-letter topics that grow are found."""

from __future__ import annotations

import pytest

from bifrost.clients.kafka import OffsetRange
from bifrost.errors import Unreachable
from bifrost.operations.watch.dead_letter_checks import QUIET_S, RETRY_S, DeadLetterChecks

CONFIGS = {"sink": {"errors.deadletterqueue.topic.name": "rejected"}}


class Topics:
    def __init__(self) -> None:
        self.letters = {"rejected": 3, "a.dlq": 0, "platform.dlq": 0, "orders": 5}
        self.requests = 0
        self.fails = False

    def topics(self) -> dict[str, int]:
        self.requests += 1
        if self.fails:
            raise Unreachable("Kafka", "topics", "no answer")
        return dict.fromkeys(self.letters, 1)

    def ends(self, topics: dict[str, int]) -> dict[str, dict[int, OffsetRange]]:
        return {name: {0: OffsetRange(0, self.letters[name])} for name in topics}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def topics():
    return Topics()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def checks(topics, clock):
    return DeadLetterChecks(topics, {"platform.dlq"}, clock)


def test_new_letters_are_counted_until_none_has_come_for_a_while(checks, topics, clock):
    assert checks.look(CONFIGS) == {}, "the letters of the time before"
    topics.letters |= {"rejected": 5, "a.dlq": 1, "platform.dlq": 9, "orders": 99}
    first = checks.look(CONFIGS)
    topics.letters["rejected"] = 6
    clock.now += QUIET_S - 1
    second = checks.look(CONFIGS)
    clock.now += QUIET_S - 1
    third = checks.look(CONFIGS)
    clock.now += 2

    assert first == {
        "rejected": "2 new letters; `dlq show rejected` shows the reasons",
        "a.dlq": "1 new letter; `dlq show a.dlq` shows the reasons",
    }
    assert second["rejected"].startswith("3 new letters")
    assert third == {"rejected": second["rejected"]}
    assert checks.look(CONFIGS) == {}


def test_the_letters_of_a_topic_that_was_just_created_count(checks, topics):
    checks.look(CONFIGS)
    topics.letters["b.dlq"] = 1

    assert list(checks.look(CONFIGS)) == ["b.dlq"]


def test_a_broker_that_does_not_answer_is_left_alone_for_a_while(checks, topics, clock):
    checks.look(CONFIGS)
    topics.fails = True
    for _ in range(3):
        assert checks.look(CONFIGS) == {}
        clock.now += RETRY_S / 4
    requests = topics.requests
    topics.fails = False
    topics.letters["rejected"] += 1
    clock.now += RETRY_S

    assert requests == 2
    assert list(checks.look(CONFIGS)) == ["rejected"]
