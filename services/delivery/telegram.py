"""The Telegram channel: one `sendMessage` per notification, and how Telegram's answers map to outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bifrost.clients.http import require_http_url
from bifrost.clients.telegram import TOO_MANY, TelegramApi, TelegramRefused
from bifrost.errors import RemoteError, SettingError
from bifrost.settings import Settings
from services.delivery.channel import AccountRefused, Delivered, Outcome, RetryAfter, TemporaryFailure, Undeliverable
from services.delivery.local_inbox import inbox_token, message_tls

TEXT_LIMIT = 4096
"""Telegram refuses longer texts; in UTF-16 units."""
DEFAULT_RETRY_AFTER_S = 1.0
TOKEN_REFUSALS: Final = (401, 404)
"""Statuses for an invalid token, and for a text that does not have the form of a token."""

GUEST_CHAT = 4242
"""The chat that the inbox shows first."""

_CHAT_NAME = re.compile(r"@[A-Za-z]\w{3,}")
_BREAKS = ("\n", ", ", " ")


@dataclass(frozen=True, slots=True)
class TelegramMessage:
    """The arguments of `sendMessage`: plain text without markup, so nothing needs escaping."""

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
        """Send once; `Delivered` means that Telegram answered `ok: true`."""
        return self.send_together([notification])[0]

    def send_together(self, notifications: Sequence[TelegramMessage]) -> list[Outcome]:
        """Send each message once, all at the same time."""
        return [_outcome(problem) for problem in self._api.send_together([(to.chat, to.text) for to in notifications])]

    def close(self) -> None:
        """Close the connection."""
        self._api.close()


def _outcome(problem: RemoteError | None) -> Outcome:
    match problem:
        case None:
            return Delivered()
        case TelegramRefused():
            return outcome_of_refusal(problem)
        case _:
            return TemporaryFailure(problem.problem)


def outcome_of_refusal(error: TelegramRefused) -> Outcome:
    """Map an answer other than `ok: true` to an outcome."""
    if error.status == TOO_MANY:
        # Never 0: the loop would send again without a pause.
        return RetryAfter(max(error.retry_after or DEFAULT_RETRY_AFTER_S, 0.1))
    if error.status in TOKEN_REFUSALS:
        return AccountRefused("TELEGRAM_BOT_TOKEN", f"Telegram refuses it: {error.problem}")
    return Undeliverable(error.problem)


def telegram_api(settings: Settings) -> TelegramApi:
    """Return the target's Bot API: Telegram, or the local inbox on the embedded platform without a token.

    Raises:
        SettingError: the token is missing or malformed, or the URL is not an http or https URL.
    """
    token = settings.get("TELEGRAM_BOT_TOKEN")
    if not token and settings.target == "embedded":
        token = inbox_token(settings)
    if not token:
        token = settings.require("TELEGRAM_BOT_TOKEN", "the bot needs it to talk to Telegram")
    if not re.fullmatch(r"[A-Za-z0-9_:.-]+", token):
        raise SettingError("TELEGRAM_BOT_TOKEN", "contains characters that a token cannot have")
    url = require_http_url("TELEGRAM_API_URL", settings.endpoints.telegram)
    return TelegramApi(url, token, message_tls(settings, "TELEGRAM", url))


def telegram_channel(settings: Settings) -> TelegramChannel:
    """Return the target's channel; raises as `telegram_api`."""
    return TelegramChannel(telegram_api(settings))


def alert_chat(settings: Settings) -> int | str:
    """Return the chat for alerts: `TELEGRAM_CHAT_ID`, or the inbox's chat where Telegram is not used.

    Raises:
        SettingError: it is not set, or is neither a chat id nor a channel name.
    """
    if not settings.get("TELEGRAM_BOT_TOKEN") and settings.target == "embedded":
        found = settings.get("TELEGRAM_CHAT_ID", str(GUEST_CHAT))
    else:
        found = settings.require("TELEGRAM_CHAT_ID", "alerts go to that chat")
    if re.fullmatch(r"-?[0-9]{1,18}", found):
        return int(found)
    if _CHAT_NAME.fullmatch(found):
        return found
    raise SettingError("TELEGRAM_CHAT_ID", f"{found!r} is neither a chat id (a number) nor a channel name (@name)")


def length(text: str) -> int:
    """Return the length of a text in UTF-16 units, as Telegram measures it."""
    return len(text) + sum(character > "\uffff" for character in text)


def shorten(text: str, room: int) -> str:
    """Cut a text to `room` UTF-16 units with an ellipsis at the end."""
    return text if length(text) <= room else text[: _prefix_length(text, room - 1)] + "…"


def split(text: str, limit: int = TEXT_LIMIT) -> Iterator[str]:
    """Split a text into pieces that Telegram accepts, at lines, list items or words where possible."""
    while length(text) > limit:
        end = _prefix_length(text, limit)
        # A break in the first half would make pieces that are much too short.
        found = (text.rfind(mark, 1, end) + len(mark) for mark in _BREAKS if text.rfind(mark, 1, end) > end // 2)
        end = next(found, end)
        if piece := text[:end].rstrip():
            yield piece
        text = text[end:].lstrip()
    if text:
        yield text


def _prefix_length(text: str, room: int) -> int:
    """Return how many characters of the text fit into `room` UTF-16 units."""
    used = 0
    for place, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > room:
            return place
    return len(text)
