"""Slack as a channel: one `chat.postMessage` per notification, and what Slack's answers mean for its delivery."""

from __future__ import annotations

import http.client
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bifrost.errors import SettingError
from bifrost.settings import LOOPBACK, Settings
from services.delivery.channel import AccountRefused, Delivered, Outcome, RetryAfter, TryAgain, Undeliverable

TEXT_LIMIT = 40_000
"""Characters that Slack keeps of a text."""
TIMEOUT_S = 10
DEFAULT_RETRY_AFTER_S = 1.0
GUEST_TOKEN = "inbox-guest"  # noqa: S105 - the local inbox takes any token

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
"""Errors that every message would meet, and what they mean."""

PASSING_ERRORS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
RATE_ERRORS = frozenset({"ratelimited", "rate_limited"})

_ERROR_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message as `chat.postMessage` takes it; `text` is in Slack's markup, user text in it escaped."""

    channel: str
    text: str
    username: str
    icon_emoji: str

    @property
    def destination(self) -> str:
        """Slack limits the rate by channel."""
        return f"Slack #{self.channel}"


class SlackChannel:
    """Posts messages with one client; not for several threads."""

    def __init__(self, client: KeepAliveClient) -> None:
        self._client = client

    def send(self, notification: SlackMessage) -> Outcome:
        """Post once. Delivered means that Slack answered `ok: true`."""
        try:
            self._client.chat_postMessage(
                channel=notification.channel,
                text=notification.text,
                username=notification.username,
                icon_emoji=notification.icon_emoji,
            )
        except SlackApiError as error:
            response = error.response
            return outcome_of_refusal(response.status_code, str(response.get("error", "")), response.headers)
        except (OSError, http.client.HTTPException) as error:
            return TryAgain(f"no answer ({type(error).__name__}: {error})")
        return Delivered()

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def outcome_of_refusal(status: int, error: str, headers: Mapping[str, str]) -> Outcome:
    """What an answer other than `ok: true` means; `error` is Slack's name for it."""
    if status == 429 or error in RATE_ERRORS:
        return RetryAfter(_retry_after(headers))
    if error in ACCOUNT_ERRORS:
        return AccountRefused(TOKEN_SETTING, f"Slack refuses it: {error}, {ACCOUNT_ERRORS[error]}")
    # Only a name from Slack itself is a verdict on the message; anything else came from something in between.
    if status >= 500 or error in PASSING_ERRORS or not _ERROR_NAME.fullmatch(error):
        return TryAgain(f"HTTP {status} {error}".rstrip())
    return Undeliverable(error)


def escaped(text: str) -> str:
    """User text for a Slack message: Slack's three control characters, and no others, are replaced."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fitting(text: str, room: int) -> str:
    """An escaped text cut to `room` characters, marked with an ellipsis, never inside of an entity."""
    if len(text) <= room:
        return text
    cut = text[: max(room - 1, 0)]
    return re.sub(r"&[a-z]{0,3}$", "", cut) + "…"


def slack_channel(settings: Settings) -> SlackChannel:
    """The channel of the target: Slack, or the inbox where no token is set and the platform is embedded.

    Raises:
        SettingError: there is no token, or the URL is none.
    """
    token = settings.get(TOKEN_SETTING)
    if not token and settings.target == "embedded":
        token = GUEST_TOKEN
    if not token:
        token = settings.require(TOKEN_SETTING, "messages to Slack are posted with it")
    url = settings.endpoints.slack
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise SettingError(URL_SETTING, f"{url!r} is not an http or https URL")
    return SlackChannel(KeepAliveClient(url, token))


class KeepAliveClient(WebClient):
    """slack-sdk's client on one lasting connection; its own opens a new one (and a TLS session) for every message."""

    def __init__(self, url: str, token: str) -> None:
        logger = logging.getLogger("slack_sdk")
        # The delivery loop logs what matters; the library would add each failure once more.
        logger.setLevel(logging.CRITICAL)
        super().__init__(token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[], logger=logger)
        self._endpoint = urlsplit(self.base_url)
        if self._endpoint.hostname in (LOOPBACK, "localhost"):
            self.proxy = None
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next message would open another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if self.proxy:
            return super()._perform_urllib_http_request_internal(url, req)
        body = req.data if isinstance(req.data, bytes) else b""
        kept, self._connection = self._connection, None
        if kept is not None:
            try:
                return self._exchange(kept, url, body, dict(req.header_items()))
            except (ConnectionError, http.client.BadStatusLine):
                kept.close()  # it ended while it was not used
        return self._exchange(self._connected(), url, body, dict(req.header_items()))

    def _exchange(
        self, connection: http.client.HTTPConnection, url: str, body: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self._connection = connection
        return {"status": response.status, "headers": response.headers, "body": text}

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._endpoint.hostname or "", self._endpoint.port
        if self._endpoint.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.ssl)
        return http.client.HTTPConnection(host, port, timeout=self.timeout)


def _retry_after(headers: Mapping[str, str]) -> float:
    named = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", named.strip()):
        return DEFAULT_RETRY_AFTER_S
    return max(float(named), 0.1)
