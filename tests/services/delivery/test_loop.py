"""What a notification service promises: nothing lost, in order, nothing committed before it was accepted."""

from __future__ import annotations

import pytest

from bifrost.clients.consumer_group import Partition
from bifrost.errors import SettingError
from services.delivery.channel import (
    AccountRefused,
    Delivered,
    HeldBack,
    RetryAfter,
    TemporaryFailure,
    Undeliverable,
    compose_from_value,
)
from services.delivery.loop import BACKOFF, MAX_BACKLOG, DeliveryLoop
from tests.fakes.alerts import FakeChannel, FakeDeadLetters, FakeSource, FakeTopic, Killed, Note, compose
from tests.fakes.clock import FakeClock


class Member:
    """One life of a service over a topic that outlives it."""

    def __init__(self, topic: FakeTopic, *script: object, batch: int = 500, failing_letters: int = 0) -> None:
        self.clock = FakeClock()
        self.topic = topic
        self.source = FakeSource(topic, self.clock, batch)
        self.channel = FakeChannel(self.clock, list(script))
        self.letters = FakeDeadLetters(failing_letters)
        self.stopping = False
        self.delivery: DeliveryLoop[Note] = DeliveryLoop(
            self.source,
            self.channel,
            compose_from_value(compose),
            self.letters,
            clock=self.clock.monotonic,
            is_stopping=lambda: self.stopping,
        )

    def turns(self, count: int) -> Member:
        for _ in range(count):
            self.delivery.turn()
        return self

    def until(self, seconds: float) -> Member:
        """Turn until the clock is there; a turn with nothing to do moves it."""
        while self.clock.now < seconds:
            self.delivery.turn()
        return self

    def run(self) -> None:
        self.delivery.run()


def topic_of(*values: str | None) -> FakeTopic:
    topic = FakeTopic()
    topic.add(*values)
    return topic


def test_alerts_are_delivered_in_order_and_then_committed():
    member = Member(topic_of("a", "b", "c")).until(1)

    assert member.channel.accepted == ["a", "b", "c"]
    assert member.topic.position() == 3


def test_an_unaccepted_message_is_not_committed():
    member = Member(topic_of("a", "b", "c"), Delivered(), TemporaryFailure("down")).until(0.3)

    assert member.channel.tried == ["a", "b"]
    assert member.topic.position() == 1


def test_a_tombstone_is_skipped_and_committed():
    member = Member(topic_of("a", None, "b")).until(1)

    assert member.channel.accepted == ["a", "b"]
    assert member.topic.position() == 3
    assert member.delivery.counters.skipped == 1


@pytest.mark.parametrize("kill_at", range(7))
def test_killed_at_any_message_nothing_is_lost_and_order_is_kept(kill_at: int):
    texts = list("abcdefg")
    topic = topic_of(*texts)
    first = Member(topic, *[Delivered()] * kill_at, Killed(), batch=2)
    with pytest.raises(Killed):
        first.until(10)
    second = Member(topic).until(1)

    received = first.channel.accepted + second.channel.accepted
    assert list(dict.fromkeys(received)) == texts
    assert second.channel.accepted == texts[topic_position_at_death(first) :]


def topic_position_at_death(member: Member) -> int:
    return max((max(commit.values()) for commit in member.source.commits), default=0)


def test_a_rate_limit_pauses_the_partition_while_polling_continues():
    member = Member(topic_of("a", "b"), RetryAfter(3.0)).turns(1)
    assert member.source.paused == {Partition("alerts", 0)}

    polls = len(member.source.waits)
    member.until(2.9)
    assert member.channel.tried == ["a"]
    assert len(member.source.waits) - polls >= 20

    member.until(3.3)
    assert member.channel.accepted == ["a", "b"]
    assert member.source.paused == set()
    assert member.delivery.counters.rate_limited == 1


def test_an_alert_that_arrives_during_a_rate_limit_waits_its_turn():
    topic = topic_of("a")
    member = Member(topic, RetryAfter(1.0)).turns(1)
    topic.add("b")
    member.until(1.5)

    assert member.channel.accepted == ["a", "b"]


def test_a_rate_limit_holds_only_its_destination():
    topic = FakeTopic()
    topic.add("a@slow", "b@slow", partition=0)
    topic.add("c@quick", "d@slow", "e@quick", partition=1)
    member = Member(topic, RetryAfter(5.0)).until(4)

    assert member.channel.accepted == ["c"]
    assert topic.position(1) == 1

    member.until(6)
    assert sorted(member.channel.accepted) == ["a", "b", "c", "d", "e"]
    assert [text for text in member.channel.accepted if text in "cde"] == ["c", "d", "e"]


def test_failures_back_off_up_to_a_limit_and_lose_nothing():
    member = Member(topic_of("a", "b"), *[TemporaryFailure("HTTP 503")] * 12).until(400)

    assert member.channel.accepted == ["a", "b"]
    assert member.channel.tried.count("a") == 13
    assert member.delivery.counters.retried == 12
    assert 5 * BACKOFF.max_s < 400


def test_back_off_restarts_after_a_success():
    topic = topic_of("a")
    member = Member(topic, *[TemporaryFailure("down")] * 5, Delivered(), TemporaryFailure("down")).until(20)
    began = member.clock.now
    topic.add("b")
    member.until(began + 1)

    assert member.channel.accepted == ["a", "b"]


def test_an_unreadable_or_undeliverable_record_is_dead_lettered_with_the_reason():
    member = Member(topic_of("!", "a", "b"), Undeliverable("channel_not_found")).until(1)

    assert [(record.offset, reason) for record, reason in member.letters.kept] == [
        (0, "unreadable"),
        (1, "channel_not_found"),
    ]
    assert member.letters.kept[0][0].headers == (("h", b"1"),)
    assert member.channel.accepted == ["b"]
    assert member.topic.position() == 3


def test_a_dead_letter_that_cannot_be_kept_is_tried_again_without_sending_again():
    member = Member(topic_of("a", "b"), Undeliverable("no_text"), failing_letters=2)
    member.turns(2)
    assert member.topic.position() == 0

    member.until(10)
    assert [reason for _, reason in member.letters.kept] == ["no_text"]
    assert member.channel.tried == ["a", "b"]
    assert member.topic.position() == 2


def test_a_refused_account_stops_the_service_and_buries_nothing():
    member = Member(topic_of("a", "b", "c"), Delivered(), AccountRefused("SLACK_API_TOKEN", "invalid_auth"))

    with pytest.raises(SettingError, match="SLACK_API_TOKEN: invalid_auth"):
        member.run()
    assert member.topic.position() == 1
    assert member.letters.kept == []
    assert member.source.closed


def test_a_stop_finishes_the_message_in_flight_and_commits_it():
    member = Member(topic_of("a", "b", "c"))
    send = member.channel.send

    def send_and_stop(note: Note):
        member.stopping = note.text == "b"
        return send(note)

    member.channel.send = send_and_stop  # type: ignore[method-assign]
    member.run()

    assert member.channel.accepted == ["a", "b"]
    assert member.topic.position() == 2
    assert member.source.closed
    assert member.channel.closed


def test_revoked_partitions_are_committed_and_forgotten():
    member = Member(topic_of("a", "b"), Delivered(), TemporaryFailure("down"))
    member.source.subscribe(member.delivery._revoked)
    member.turns(1)
    member.source.revoke([0])

    assert member.topic.position() == 1
    member.until(5)
    assert member.channel.accepted == ["a", "b"]


def test_a_long_backlog_does_not_keep_the_loop_from_polling():
    topic = topic_of(*map(str, range(3 * MAX_BACKLOG)))
    member = Member(topic)
    member.channel.takes_s = 0.4
    longest = 0.0
    for _ in range(50):
        before = member.clock.now
        member.delivery.turn()
        longest = max(longest, member.clock.now - before)
    assert longest < 2
    assert member.source.paused == {Partition("alerts", 0)}

    member.channel.takes_s = 0
    member.until(member.clock.now + 1)
    assert member.channel.accepted == list(map(str, range(3 * MAX_BACKLOG)))
    assert topic.position() == 3 * MAX_BACKLOG


def test_commits_come_at_most_every_tenth_of_a_second():
    member = Member(topic_of(*map(str, range(1000))))
    member.channel.takes_s = 0.001
    member.until(1.5)

    assert member.topic.position() == 1000
    assert 2 <= len(member.source.commits) <= 12


def test_quiet_hours_say_how_many_messages_are_held_back_and_until_when(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "delivery")
    topic = topic_of("a", "b", None)
    member = Member(topic, HeldBack(60, "07:00 GMT")).turns(1)
    assert caplog.messages[-1].endswith("; 2 held back until 07:00 GMT (quiet hours)")

    topic.add("c")
    member.until(30)
    assert caplog.messages[-1].endswith("; 3 held back until 07:00 GMT (quiet hours)")
    assert member.delivery.counters.rate_limited == 0
    assert member.channel.accepted == [] and topic.position() == 0

    member.until(75)
    assert member.channel.accepted == ["a", "b", "c"]
    assert "held back" not in caplog.messages[-1]


def test_quiet_hours_are_reported_once_and_not_with_each_check(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "delivery")
    Member(topic_of("a"), *[HeldBack(60, "07:00 GMT")] * 9).until(500)

    assert len([line for line in caplog.messages if "held back" in line]) == 1


def test_a_long_night_does_not_fill_the_memory():
    topic = topic_of(*map(str, range(2 * MAX_BACKLOG)))
    member = Member(topic, HeldBack(60, "07:00 GMT")).until(50)

    assert member.source.paused == {Partition("alerts", 0)}
    member.until(200)
    assert len(member.channel.accepted) == 2 * MAX_BACKLOG
