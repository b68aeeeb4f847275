"""The Slack channel: one `chat.postMessage` per notification, and how Slack's answers map to outcomes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bifrost.clients.http import require_http_url
from bifrost.clients.http_posts import HttpAnswer, HttpPosts, json_body
from bifrost.errors import SettingError
from bifrost.settings import Settings
from services.delivery.channel import AccountRefused, Delivered, Outcome, RetryAfter, TemporaryFailure, Undeliverable
from services.delivery.local_inbox import inbox_token, message_tls

TEXT_LIMIT = 40_000
"""Slack truncates longer texts; in characters."""
METHOD = "chat.postMessage"
TIMEOUT_S = 10.0
DEFAULT_RETRY_AFTER_S = 1.0
MAX_RETRY_AFTER_S = 86_400.0

TOKEN_SETTING = "SLACK_API_TOKEN"  # noqa: S105 - a name
URL_SETTING = "SLACK_API_URL"

ACCOUNT_ERRORS: Mapping[str, str] = {
    "invalid_auth": "the token is not valid",
    "not_authed": "no token was sent",
    "account_inactive": "the token's user or workspace was deleted",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "not_allowed_token_type": "this kind of token may not post",
    "missing_scope": "the app lacks a scope (it needs chat:write and chat:write.customize)",
}
"""Errors that would refuse every message, and their meaning."""

TEMPORARY_ERRORS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
RATE_ERRORS = frozenset({"ratelimited", "rate_limited"})

_ERROR_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
_TOKEN = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """The arguments of `chat.postMessage`; `text` is Slack markup with user text escaped."""

    channel: str
    text: str
    username: str
    icon_emoji: str

    @property
    def destination(self) -> str:
        """Slack limits the rate by channel."""
        return f"Slack #{self.channel}"


class SlackChannel:
    """Posts messages as one account. Thread-safe."""

    def __init__(self, posts: HttpPosts) -> None:
        self._posts = posts

    def send(self, notification: SlackMessage) -> Outcome:
        """Post once; `Delivered` means that Slack answered `ok: true`."""
        return self.send_together([notification])[0]

    def send_together(self, notifications: Sequence[SlackMessage]) -> list[Outcome]:
        """Post each message once, all at the same time."""
        return [_outcome(answer) for answer in self._posts.post([_body(message) for message in notifications])]

    def close(self) -> None:
        """Close the connections."""
        self._posts.close()


def _body(message: SlackMessage) -> bytes:
    return json_body(
        {
            "channel": message.channel,
            "text": message.text,
            "username": message.username,
            "icon_emoji": message.icon_emoji,
        }
    )


def _outcome(answer: HttpAnswer | OSError) -> Outcome:
    if isinstance(answer, OSError):
        return TemporaryFailure(f"no answer ({type(answer).__name__}: {answer})")
    found = _object(answer.body)
    if answer.status != 200 or not found.get("ok"):
        return outcome_of_refusal(answer.status, str(found.get("error", "")), answer.headers)
    if found["ok"] is not True:
        return TemporaryFailure("the answer is not from Slack")
    return Delivered()


def outcome_of_refusal(status: int, error: str, headers: Mapping[str, str]) -> Outcome:
    """Map an answer other than `ok: true` to an outcome; `error` is Slack's error name."""
    if status == 429 or error in RATE_ERRORS:
        return RetryAfter(_retry_after_s(headers))
    if error in ACCOUNT_ERRORS:
        return AccountRefused(TOKEN_SETTING, f"Slack refuses it: {error}, {ACCOUNT_ERRORS[error]}")
    # Only an error name of Slack condemns the message; anything else came from a proxy in between.
    if status >= 500 or error in TEMPORARY_ERRORS or not _ERROR_NAME.fullmatch(error):
        return TemporaryFailure(f"HTTP {status} {error}".rstrip())
    return Undeliverable(error)


def escape(text: str) -> str:
    """Escape user text for a Slack message: only the three control characters `&`, `<` and `>`."""
    # The ampersand first: later it would break the other two entities.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, room: int) -> str:
    """Cut an escaped text to `room` characters with an ellipsis at the end, never within an entity such as `&amp;`."""
    if len(text) <= room:
        return text
    cut = text[: max(room - 1, 0)]
    return re.sub(r"&[a-z]{0,3}$", "", cut) + "…"


def slack_channel(settings: Settings) -> SlackChannel:
    """Return the target's channel: Slack, or the local inbox on the embedded platform without a token.

    Raises:
        SettingError: the token is missing, or the URL is not an http or https URL.
    """
    token = settings.get(TOKEN_SETTING)
    if not token and settings.target == "embedded":
        token = inbox_token(settings)
    if not token:
        token = settings.require(TOKEN_SETTING, "it is needed to post messages to Slack")
    if not _TOKEN.fullmatch(token):
        raise SettingError(TOKEN_SETTING, "contains characters that a token cannot have")
    url = require_http_url(URL_SETTING, settings.endpoints.slack)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "bifrost"}
    return SlackChannel(
        HttpPosts(f"{url.rstrip('/')}/{METHOD}", headers, message_tls(settings, "SLACK", url).context(), TIMEOUT_S)
    )


def _object(body: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else, which counts as no answer of Slack."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(headers: Mapping[str, str]) -> float:
    header = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", header.strip()):
        return DEFAULT_RETRY_AFTER_S
    return min(max(float(header), 0.1), MAX_RETRY_AFTER_S)
