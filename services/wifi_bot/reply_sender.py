"""Sends the bot's answers: in pieces that Telegram takes, and as slowly as it wants."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import assert_never

from bifrost.backoff import Backoff, RetryDelays
from bifrost.errors import SettingError
from services.delivery.channel import AccountRefused, Channel, Delivered, LeftOut, RetryAfter, TryAgain, Undeliverable
from services.delivery.telegram import TelegramMessage, parts

BACKOFF = Backoff()
TRIES = 12
"""With the pauses, about four minutes: after that nobody waits for the answer any more."""

_log = logging.getLogger("bot")


class Replies:
    """Sends texts to chats; usable from several threads, each waiting for its own chat alone."""

    def __init__(
        self, channel: Channel[TelegramMessage], stop: threading.Event, fail: Callable[[SettingError], None]
    ) -> None:
        """Take the channel, what ends a wait, and who is told that the account is refused."""
        self._channel = channel
        self._stop = stop
        self._fail = fail

    def send(self, chat_id: int, text: str) -> None:
        """Send a text, of any length; what cannot be sent is logged."""
        for part in parts(text):
            if not self._is_sent(TelegramMessage(chat_id, part)):
                return

    def _is_sent(self, message: TelegramMessage) -> bool:
        delays = RetryDelays(BACKOFF)
        for _ in range(TRIES):
            outcome = self._channel.send(message)
            match outcome:
                case Delivered() | LeftOut():
                    return True
                case RetryAfter(seconds):
                    wait_s, problem = seconds, "rate limit"
                case TryAgain(reason):
                    wait_s, problem = delays.next_s(), reason
                case Undeliverable(reason):
                    _log.warning("%s: not sent: %s", message.destination, reason)
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
        _log.warning("%s: given up", message.destination)
        return False
