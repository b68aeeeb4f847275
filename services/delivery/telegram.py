"""Telegram as a channel: one `sendMessage` per notification, and what Telegram's answers mean for its delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bifrost.clients.telegram import TOO_MANY, TelegramApi, TelegramRefused
from bifrost.errors import NotReady, SettingError, Unreachable
from bifrost.settings import Settings
from services.delivery.channel import AccountRefused, Delivered, Outcome, RetryAfter, TryAgain, Undeliverable

TEXT_LIMIT = 4096
"""UTF-16 units of a text; Telegram refuses a longer one."""
DEFAULT_RETRY_AFTER_S = 1.0
TOKEN_REFUSALS: Final = (401, 404)
"""A token that is not valid, and one that does not even look like a token."""

GUEST_TOKEN = "inbox-guest"  # noqa: S105 - the local inbox takes any token
GUEST_CHAT = 4242
"""The chat that the inbox opens with."""

_CHAT_NAME = re.compile(r"@[A-Za-z]\w{3,}")
_BREAKS = ("\n", ", ", " ")


@dataclass(frozen=True, slots=True)
class TelegramMessage:
    """A message as `sendMessage` takes it: plain text without markup, so nothing in it needs escaping."""

    chat: int | str
    text: str

    @property
    def destination(self) -> str:
        """Telegram limits the rate by chat."""
        return f"Telegram chat {self.chat}"


class TelegramChannel:
    """Sends messages as one bot."""

    def __init__(self, api: TelegramApi) -> None:
        self._api = api

    def send(self, notification: TelegramMessage) -> Outcome:
        """Send once. Delivered means that Telegram answered `ok: true`."""
        try:
            self._api.send(notification.chat, notification.text)
        except TelegramRefused as error:
            return outcome_of_refusal(error)
        except (Unreachable, NotReady) as error:
            return TryAgain(error.problem)
        return Delivered()

    def close(self) -> None:
        """Give the connection back."""
        self._api.close()


def outcome_of_refusal(error: TelegramRefused) -> Outcome:
    """What an answer other than `ok: true` means."""
    if error.status == TOO_MANY:
        return RetryAfter(max(error.retry_after or DEFAULT_RETRY_AFTER_S, 0.1))
    if error.status in TOKEN_REFUSALS:
        return AccountRefused("TELEGRAM_BOT_TOKEN", f"Telegram refuses it: {error.problem}")
    return Undeliverable(error.problem)


def telegram_api(settings: Settings) -> TelegramApi:
    """The Bot API of the target: Telegram, or the inbox where no token is set and the platform is embedded.

    Raises:
        SettingError: there is no token, or the URL is none.
    """
    token = settings.get("TELEGRAM_BOT_TOKEN")
    if not token and settings.target == "embedded":
        token = GUEST_TOKEN
    if not token:
        token = settings.require("TELEGRAM_BOT_TOKEN", "the bot speaks to Telegram with it")
    if not re.fullmatch(r"[\w:.-]+", token):
        raise SettingError("TELEGRAM_BOT_TOKEN", "holds characters that no token has")
    url = settings.endpoints.telegram
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise SettingError("TELEGRAM_API_URL", f"{url!r} is not an http or https URL")
    return TelegramApi(url, token)


def telegram_channel(settings: Settings) -> TelegramChannel:
    """The channel of the target; raises as `telegram_api`."""
    return TelegramChannel(telegram_api(settings))


def alert_chat(settings: Settings) -> int | str:
    """The chat that alerts go to: `TELEGRAM_CHAT_ID`, or the inbox's where Telegram is not in play.

    Raises:
        SettingError: it is not set, or is not a chat's id or name.
    """
    if not settings.get("TELEGRAM_BOT_TOKEN") and settings.target == "embedded":
        found = settings.get("TELEGRAM_CHAT_ID", str(GUEST_CHAT))
    else:
        found = settings.require("TELEGRAM_CHAT_ID", "alerts go to that chat")
    if re.fullmatch(r"-?[0-9]{1,18}", found):
        return int(found)
    if _CHAT_NAME.fullmatch(found):
        return found
    raise SettingError("TELEGRAM_CHAT_ID", f"{found!r} is not the id of a chat (a number) nor the name of a channel")


def length(text: str) -> int:
    """The UTF-16 units of a text, by which Telegram measures."""
    return len(text) + sum(character > "\uffff" for character in text)


def fitting(text: str, room: int) -> str:
    """A text cut to `room` UTF-16 units, marked with an ellipsis."""
    return text if length(text) <= room else text[: _fits(text, room - 1)] + "…"


def parts(text: str, limit: int = TEXT_LIMIT) -> Iterator[str]:
    """A text in pieces that Telegram takes, broken at lines, list items or words where that is possible."""
    while length(text) > limit:
        end = _fits(text, limit)
        found = (text.rfind(mark, 1, end) + len(mark) for mark in _BREAKS if text.rfind(mark, 1, end) > end // 2)
        end = next(found, end)
        if piece := text[:end].rstrip():
            yield piece
        text = text[end:].lstrip()
    if text:
        yield text


def _fits(text: str, room: int) -> int:
    """How many characters of the text have room in so many UTF-16 units."""
    used = 0
    for place, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > room:
            return place
    return len(text)
