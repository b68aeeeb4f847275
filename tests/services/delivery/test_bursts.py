"""A burst becomes one message, and the next one counts the suppressed ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.delivery.bursts import BurstLimiter, SubjectAlert
from services.delivery.channel import Delivered, Outcome, RetryAfter, Suppressed
from services.delivery.telegram import TEXT_LIMIT, TelegramMessage, length


@dataclass
class Sent:
    """A channel that keeps what it accepted."""

    script: list[Outcome] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def send(self, notification: TelegramMessage) -> Outcome:
        outcome = self.script.pop(0) if self.script else Delivered()
        if outcome == Delivered():
            self.texts.append(notification.text)
        return outcome

    def close(self) -> None:
        """Nothing to give back."""


def alert(at_s: float | None, subject: str = "mac", text: str = "seen") -> SubjectAlert:
    return SubjectAlert(text, (subject, "ssid"), at_s)


def test_a_burst_of_one_device_is_one_message_and_the_next_counts_the_others():
    sent = Sent()
    channel = BurstLimiter(sent, 1, 60)
    outcomes = [channel.send(alert(at_s)) for at_s in (0, 1, 2, 59, 60)]

    assert outcomes == [Delivered(), Suppressed(), Suppressed(), Suppressed(), Delivered()]
    assert sent.texts == ["seen", "seen\n\n3 similar alerts suppressed since the last message"]


def test_devices_and_networks_are_distinguished():
    sent = Sent()
    channel = BurstLimiter(sent, 1, 60)
    for subject in ("a", "b", "a"):
        channel.send(alert(0, subject, subject))

    assert sent.texts == ["a", "b"]


def test_an_undelivered_alert_opens_no_window():
    sent = Sent([RetryAfter(3)])
    channel = BurstLimiter(sent, 1, 60)

    assert [channel.send(alert(0)), channel.send(alert(0))] == [RetryAfter(3), Delivered()]


def test_a_retried_message_still_counts_the_suppressed_ones():
    sent = Sent([Delivered(), RetryAfter(3)])
    channel = BurstLimiter(sent, 1, 60)
    for at_s in (0, 1, 60, 60):
        channel.send(alert(at_s))

    assert sent.texts[-1].startswith("seen\n\n1 similar alert suppressed since")


def test_a_repeated_capture_is_sent_again():
    sent = Sent()
    channel = BurstLimiter(sent, 1, 60)
    for at_s in (1_000, 0, 1_000):
        channel.send(alert(at_s))

    assert len(sent.texts) == 3


def test_without_a_window_or_a_time_everything_is_sent():
    sent = Sent()
    for channel, at_s in ((BurstLimiter(sent, 1, 0), 0), (BurstLimiter(sent, 1, 60), None)):
        for _ in range(2):
            channel.send(alert(at_s))

    assert sent.texts == ["seen"] * 4


def test_a_text_never_gets_longer_than_telegram_takes():
    sent = Sent()
    channel = BurstLimiter(sent, 1, 60)
    for at_s in (0, 1, 60):
        channel.send(alert(at_s, text="🦄" * 5_000))

    assert all(length(text) <= TEXT_LIMIT for text in sent.texts)
    assert sent.texts[1].endswith("…\n\n1 similar alert suppressed since the last message")
