"""Sends the bot's replies: in pieces that Telegram accepts, within its rate limit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import assert_never

from bifrost.backoff import Backoff, RetryDelays
from bifrost.errors import SettingError
from bifrost.metrics.families import Counter
from services.delivery.channel import (
    AccountRefused,
    Channel,
    Delivered,
    HeldBack,
    RetryAfter,
    Suppressed,
    TemporaryFailure,
    Undeliverable,
)
from services.delivery.telegram import TelegramMessage, split

BACKOFF = Backoff()
MAX_ATTEMPTS = 12
"""About four minutes with the pauses: later, the person no longer expects a reply."""

REPLIES = Counter("bifrost_bot_replies_total", "Messages of the bot", "outcome")

_log = logging.getLogger("bot")


class ReplySender:
    """Sends texts to chats. Thread-safe; a thread waits only for its own chat."""

    def __init__(
        self, channel: Channel[TelegramMessage], stop: threading.Event, fail: Callable[[SettingError], None]
    ) -> None:
        """Wire the parts; `stop` ends a wait, and `fail` is called if the account is refused."""
        self._channel = channel
        self._stop = stop
        self._fail = fail

    def send(self, chat_id: int, text: str) -> None:
        """Send a text of any length; a failure is logged."""
        for part in split(text):
            is_sent = self._is_sent(TelegramMessage(chat_id, part))
            REPLIES.add("sent" if is_sent else "failed")
            if not is_sent:
                return

    def _is_sent(self, message: TelegramMessage) -> bool:
        delays = RetryDelays(BACKOFF)
        for _ in range(MAX_ATTEMPTS):
            outcome = self._channel.send(message)
            match outcome:
                case Delivered() | Suppressed():
                    return True
                case RetryAfter(seconds) | HeldBack(seconds):
                    wait_s, problem = seconds, "rate limit"
                case TemporaryFailure(reason):
                    wait_s, problem = delays.next_s(), reason
                case Undeliverable(reason):
                    _log.warning("%s: reply not sent: %s", message.destination, reason)
                    return False
                case AccountRefused(setting, reason):
                    self._fail(SettingError(setting, reason))
                    return False
                case _:
                    assert_never(outcome)
            if self._stop.is_set():
                break
            _log.info("%s: %s, waiting %g s", message.destination, problem, wait_s)
            self._stop.wait(wait_s)
        _log.warning("%s: reply not sent after %d attempts", message.destination, MAX_ATTEMPTS)
        return False
