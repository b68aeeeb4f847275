"""The part of the Telegram Bot API that our bots use.

Every URL contains the bot's token, so no error of this module contains a URL.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

from bifrost.clients.access import TlsFiles
from bifrost.clients.http import CONNECT_TIMEOUT_S
from bifrost.clients.http_posts import HttpAnswer, HttpPosts, json_body
from bifrost.clients.no_answer import reason_of
from bifrost.default_settings import LOOPBACK
from bifrost.errors import NotReady, Refused, RemoteError, Unreachable

SYSTEM = "Telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
ANSWER_TIMEOUT_S = 10.0
SEND = "sendMessage"
TOO_MANY = 429
MAX_RETRY_AFTER_S = 86_400.0
"""A longer pause is not believed."""
MAX_CONNECTIONS = 32
"""Pooled connections: one for each thread that sends."""


class TelegramRefused(Refused):
    """Telegram refused a call; `retry_after` are the seconds to wait if it limits the rate."""

    def __init__(self, method: str, *, status: int, body: str, retry_after: float | None) -> None:
        super().__init__(SYSTEM, method, status=status, body=body)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text message of a person in a chat."""

    update_id: int
    chat_id: int
    text: str


class TelegramApi:
    """Calls the Bot API as one bot. Thread-safe."""

    def __init__(self, url: str, token: str, tls: TlsFiles | None = None) -> None:
        """Create a client of the API at `url` (`https://api.telegram.org`)."""
        self._tls = tls or TlsFiles()
        self._url = f"{url.rstrip('/')}/bot{token}"
        # The debug log of urllib3 contains URLs.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=MAX_CONNECTIONS))
        # Do not use a proxy of the environment for this machine.
        self._session.trust_env = urlsplit(url).hostname not in (LOOPBACK, "localhost")
        headers = {"User-Agent": "bifrost"}
        self._messages = HttpPosts(f"{self._url}/{SEND}", headers, self._tls.context(), ANSWER_TIMEOUT_S)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        self._messages.close()

    def username(self) -> str:
        """Return the bot's name without the `@`.

        Raises:
            TelegramRefused: the token is invalid (401, or 404 for a malformed one).
            Unreachable, NotReady: as all calls.
        """
        found = self._call("getMe")
        name = found.get("username") if isinstance(found, dict) else None
        if not isinstance(name, str) or not name:
            raise NotReady(SYSTEM, "getMe", "the answer contains no username")
        return name

    def updates(self, offset: int, *, wait_s: float, limit: int = 100) -> list[Any]:
        """Return the updates from the id `offset` as JSON; Telegram deletes the updates before it.

        Args:
            wait_s: how long Telegram may wait for the first update.

        Raises:
            TelegramRefused: 409 while a webhook is set or another program polls.
        """
        body = {"offset": offset, "timeout": int(wait_s), "limit": limit, "allowed_updates": ["message"]}
        found = self._call("getUpdates", body, timeout_s=wait_s + ANSWER_TIMEOUT_S)
        return found if isinstance(found, list) else []

    def send(self, chat: int | str, text: str) -> None:
        """Send a plain text (no markup, at most 4096 UTF-16 units) to a chat."""
        (problem,) = self.send_together([(chat, text)])
        if problem is not None:
            raise problem

    def send_together(self, messages: Sequence[tuple[int | str, str]]) -> list[RemoteError | None]:
        """Send texts to chats, all at the same time; return why each was not sent, `None` if it was."""
        bodies = [json_body({"chat_id": chat, "text": text}) for chat, text in messages]
        return [_problem(SEND, answer) for answer in self._messages.post(bodies)]

    def set_webhook(self, url: str, secret: str = "") -> None:
        """Let Telegram post updates to `url`, with `secret` in the header `SECRET_HEADER`."""
        self._call("setWebHook", query={"url": url, **({"secret_token": secret} if secret else {})})

    def delete_webhook(self) -> None:
        """Let Telegram keep updates for polling; no update is lost."""
        self._call("deleteWebhook")

    def _call(
        self,
        method: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Any:
        verb = "POST" if body is not None else "GET"
        timeout = (CONNECT_TIMEOUT_S, timeout_s)
        try:
            # `from None`: a traceback of the library's error would show the URL with the token.
            response = self._session.request(
                verb,
                f"{self._url}/{method}",
                params=query,
                json=body,
                timeout=timeout,
                allow_redirects=False,
                verify=self._tls.verify,
                cert=self._tls.client,
            )
        except RequestException as error:
            raise Unreachable(SYSTEM, method, f"no answer ({reason_of(error)})") from None
        return _result(method, response.status_code, response.content)


def post_update(url: str, update: Mapping[str, Any], secret: str) -> int:
    """Post an update to a webhook as Telegram does; return the HTTP status.

    Raises:
        Unreachable: no answer.
    """
    headers = {"Content-Type": "application/json", **({SECRET_HEADER: secret} if secret else {})}
    try:
        answer = requests.post(
            url,
            data=json.dumps(update),
            headers=headers,
            timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S),
            allow_redirects=False,
        )
    except RequestException as error:
        raise Unreachable("webhook", "post update", f"no answer ({reason_of(error)})") from None
    return answer.status_code


def text_message(update: Any) -> TextMessage | None:
    """Return the text message of an update, `None` for all other kinds (photo, join, edit, ...)."""
    match update:
        case {"update_id": int(number), "message": {"chat": {"id": int(chat)}, "text": str(text)}} if _is_id(chat):
            return TextMessage(number, chat, _without_lone_surrogates(text))
        case _:
            return None


def _is_id(value: int) -> bool:
    return not isinstance(value, bool) and abs(value) < 2**63


def _without_lone_surrogates(text: str) -> str:
    # JSON can contain half of a surrogate pair, which UTF-8 cannot encode.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _problem(method: str, answer: HttpAnswer | OSError) -> RemoteError | None:
    if isinstance(answer, OSError):
        return Unreachable(SYSTEM, method, f"no answer ({reason_of(answer)})")
    try:
        _result(method, answer.status, answer.body)
    except RemoteError as error:
        return error
    return None


def _result(method: str, http_status: int, body: bytes) -> Any:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("ok"), bool):
        # Not from Telegram: a proxy in between answered.
        raise NotReady(SYSTEM, method, f"HTTP {http_status}, and the answer is not from the Bot API")
    if found["ok"] is True:
        return found.get("result")
    code = found.get("error_code")
    status = code if type(code) is int and 400 <= code < 600 else http_status
    description = str(found.get("description") or "")
    if status >= 500:
        raise NotReady(SYSTEM, method, f"{status} {description}".strip())
    parameters = found.get("parameters")
    hints = parameters if isinstance(parameters, dict) else {}
    moved = hints.get("migrate_to_chat_id")
    hint = f"; the chat's new id is {moved}" if type(moved) is int else ""
    raise TelegramRefused(
        method, status=status, body=description + hint, retry_after=_seconds(hints.get("retry_after"))
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value:
        return None
    return min(float(value), MAX_RETRY_AFTER_S)
