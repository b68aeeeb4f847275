"""Keeps a burst of one device from filling a chat: of what is the same, one message per window is sent."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from services.delivery.channel import Channel, Delivered, LeftOut, Outcome
from services.delivery.telegram import TEXT_LIMIT, TelegramMessage, fitting

REMEMBERED = 10_000
"""Subjects of which the last message is known; the one that was told longest ago is forgotten first."""
SAID = "\n\n%d more since the previous message were not told one by one"


@dataclass(frozen=True, slots=True)
class Alert:
    """A message about a subject at a moment, in seconds of any clock; without a moment it is always sent."""

    text: str
    subject: tuple[str, ...]
    at_s: float | None

    @property
    def destination(self) -> str:
        """All alerts of a service go to one chat, and share its rate limit."""
        return "the Telegram chat"


@dataclass(slots=True)
class _Told:
    at_s: float
    left_out: int = 0


class Collapsing:
    """Sends alerts to a chat, at most one per subject and window; the next one says how many were left out.

    Windows are of the alerts' own time, so that a backlog collapses as it would have when it came in. An alert opens a
    window when it was delivered: one that could not be sent is still to come.
    """

    def __init__(self, channel: Channel[TelegramMessage], chat: int | str, window_s: float) -> None:
        """Take the way to the chat, and the window in seconds; 0 sends everything."""
        self._channel = channel
        self._chat = chat
        self._window_s = window_s
        self._told: OrderedDict[tuple[str, ...], _Told] = OrderedDict()

    def send(self, notification: Alert) -> Outcome:
        """Send once, or leave it out."""
        told = self._told.get(notification.subject)
        at_s = notification.at_s
        if told is not None and at_s is not None and abs(at_s - told.at_s) < self._window_s:
            told.left_out += 1
            return LeftOut()
        said = SAID % told.left_out if told is not None and told.left_out else ""
        text = fitting(notification.text, TEXT_LIMIT - len(said)) + said
        outcome = self._channel.send(TelegramMessage(self._chat, text))
        if isinstance(outcome, Delivered) and at_s is not None:
            self._remember(notification.subject, at_s)
        return outcome

    def close(self) -> None:
        """Give the channel's connection back."""
        self._channel.close()

    def _remember(self, subject: tuple[str, ...], at_s: float) -> None:
        self._told[subject] = _Told(at_s)
        self._told.move_to_end(subject)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
