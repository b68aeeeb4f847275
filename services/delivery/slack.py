"""The Slack channel: one `chat.postMessage` per notification, and how Slack's answers map to outcomes."""

from __future__ import annotations

import http.client
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bifrost.clients.access import TlsFiles, tls_of
from bifrost.clients.http import require_http_url
from bifrost.errors import SettingError
from bifrost.settings import LOOPBACK, Settings
from services.delivery.channel import AccountRefused, Delivered, Outcome, RetryAfter, TemporaryFailure, Undeliverable

TEXT_LIMIT = 40_000
"""Slack truncates longer texts; in characters."""
TIMEOUT_S = 10
DEFAULT_RETRY_AFTER_S = 1.0
MAX_RETRY_AFTER_S = 86_400.0
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
    """Posts messages with one client. Thread-safe."""

    def __init__(self, client: KeepAliveClient) -> None:
        self._client = client

    def send(self, notification: SlackMessage) -> Outcome:
        """Post once; `Delivered` means that Slack answered `ok: true`."""
        try:
            answer = self._client.chat_postMessage(
                channel=notification.channel,
                text=notification.text,
                username=notification.username,
                icon_emoji=notification.icon_emoji,
            )
        except SlackApiError as error:
            response = error.response
            return outcome_of_refusal(response.status_code, str(response.get("error", "")), response.headers)
        except (OSError, http.client.HTTPException) as error:
            return TemporaryFailure(f"no answer ({type(error).__name__}: {error})")
        if answer.get("ok") is not True:
            return TemporaryFailure("the answer is not from Slack")
        return Delivered()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


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
        token = GUEST_TOKEN
    if not token:
        token = settings.require(TOKEN_SETTING, "it is needed to post messages to Slack")
    if not _TOKEN.fullmatch(token):
        raise SettingError(TOKEN_SETTING, "contains characters that a token cannot have")
    return SlackChannel(
        KeepAliveClient(require_http_url(URL_SETTING, settings.endpoints.slack), token, tls_of(settings, "SLACK"))
    )


class KeepAliveClient(WebClient):
    """slack-sdk's client on persistent connections; the library opens a new one (with TLS) for each message."""

    def __init__(self, url: str, token: str, tls: TlsFiles) -> None:
        logger = logging.getLogger("slack_sdk")
        # The delivery loop logs failures; the library would log each of them again.
        logger.setLevel(logging.CRITICAL)
        super().__init__(token, base_url=url, timeout=TIMEOUT_S, ssl=tls.context(), retry_handlers=[], logger=logger)
        self._endpoint = urlsplit(self.base_url)
        if self._endpoint.hostname in (LOOPBACK, "localhost"):
            # A proxy from the environment cannot reach the inbox on this machine.
            self.proxy = None
        # As many as there are requests in flight. A list, because its `pop` and `append` are atomic.
        self._idle: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close the idle connections; the next message opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if self.proxy:
            return super()._perform_urllib_http_request_internal(url, req)
        body = req.data if isinstance(req.data, bytes) else b""
        # Only `_exchange` puts a connection back, after a complete answer: one in an unknown state is never used
        # again.
        with suppress(IndexError):
            idle = self._idle.pop()
            try:
                return self._exchange(idle, url, body, dict(req.header_items()))
            except (ConnectionError, http.client.BadStatusLine):
                idle.close()  # Slack closed it while it was idle
        return self._exchange(self._connect(), url, body, dict(req.header_items()))

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
        self._idle.append(connection)
        # slack-sdk takes any other JSON for an object: an empty one counts as no answer of Slack.
        return {"status": response.status, "headers": response.headers, "body": text if _is_object(text) else "{}"}

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._endpoint.hostname or "", self._endpoint.port
        if self._endpoint.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.ssl)
        return http.client.HTTPConnection(host, port, timeout=self.timeout)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _retry_after_s(headers: Mapping[str, str]) -> float:
    header = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", header.strip()):
        return DEFAULT_RETRY_AFTER_S
    return min(max(float(header), 0.1), MAX_RETRY_AFTER_S)
