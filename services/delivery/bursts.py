"""A channel that keeps a burst of one device from filling a chat: one message per device, SSID and window."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from services.delivery.channel import Channel, Delivered, Outcome, Suppressed
from services.delivery.telegram import TEXT_LIMIT, TelegramMessage, shorten

MAX_SUBJECTS = 10_000
"""Subjects with a known last message; the least recently notified one is forgotten first."""


@dataclass(frozen=True, slots=True)
class SubjectAlert:
    """A message about a subject at a moment, in seconds of any clock; without a moment it is always sent."""

    text: str
    subject: tuple[str, ...]
    at_s: float | None

    @property
    def destination(self) -> str:
        """All alerts of a service go to one chat and share its rate limit."""
        return "the Telegram chat"


@dataclass(slots=True)
class _Window:
    began_s: float
    suppressed: int = 0


class BurstLimiter:
    """Sends at most one alert per subject and window to a chat; the next one says how many were suppressed.

    Windows are measured in the alerts' own time, so a backlog collapses as it would have collapsed live. Only a
    delivered alert opens a window.
    """

    def __init__(self, channel: Channel[TelegramMessage], chat: int | str, window_s: float) -> None:
        """Wrap a channel; a window of 0 seconds sends everything."""
        self._channel = channel
        self._chat = chat
        self._window_s = window_s
        self._windows: OrderedDict[tuple[str, ...], _Window] = OrderedDict()

    def send(self, notification: SubjectAlert) -> Outcome:
        """Send the alert, or suppress it."""
        window = self._windows.get(notification.subject)
        at_s = notification.at_s
        # `abs`: alerts of several partitions may arrive out of order, so one may be older than the window's
        # beginning.
        if window is not None and at_s is not None and abs(at_s - window.began_s) < self._window_s:
            window.suppressed += 1
            return Suppressed()
        note = _suppressed_note(window.suppressed) if window is not None and window.suppressed else ""
        text = shorten(notification.text, TEXT_LIMIT - len(note)) + note
        outcome = self._channel.send(TelegramMessage(self._chat, text))
        if isinstance(outcome, Delivered) and at_s is not None:
            self._open_window(notification.subject, at_s)
        return outcome

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _open_window(self, subject: tuple[str, ...], at_s: float) -> None:
        self._windows[subject] = _Window(at_s)
        self._windows.move_to_end(subject)
        if len(self._windows) > MAX_SUBJECTS:
            self._windows.popitem(last=False)


def _suppressed_note(count: int) -> str:
    return f"\n\n{count} similar alert{'s' if count > 1 else ''} suppressed since the last message"
