"""Receives messages from Telegram: by long polling, or by a webhook."""

from __future__ import annotations

import hmac
import json
import logging
import re
import socket
import threading
from collections.abc import Callable
from typing import Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients.telegram import SECRET_HEADER, TelegramApi, TelegramRefused, TextMessage, text_message
from bifrost.default_settings import LOOPBACK
from bifrost.errors import RemoteError, SettingError
from bifrost.settings import Settings
from services.delivery.telegram import TOKEN_REFUSALS

LONG_POLL_S = 25.0
BACKOFF = Backoff()
BODY_LIMIT = 1_000_000
"""Largest update in bytes; Telegram's are a few thousand."""

_log = logging.getLogger("bot")

TakeMessage = Callable[[TextMessage], object]
"""Receives each message; must not block."""


class Intake(Protocol):
    """A source of messages, which passes each one to a `TakeMessage`."""

    def start(self) -> None:
        """Start, on a thread."""
        ...

    def close(self) -> None:
        """Stop; no message is passed on afterwards."""
        ...


class Polling:
    """Polls for updates. Telegram deletes an update when a later offset is requested."""

    def __init__(self, api: TelegramApi, take: TakeMessage, fail: Callable[[SettingError], None]) -> None:
        """Wire the parts; `fail` is called if Telegram refuses the account."""
        self._api = api
        self._take = take
        self._fail = fail
        self._stop = threading.Event()
        self._next = 0
        self._delays = RetryDelays(BACKOFF)

    def start(self) -> None:
        """Start polling on a daemon thread: it may be waiting for Telegram when the process ends."""
        threading.Thread(target=self._run, name="polling", daemon=True).start()

    def close(self) -> None:
        """Stop, and confirm to Telegram the updates that were passed on."""
        self._stop.set()
        if self._next:
            try:
                self._api.updates(self._next, wait_s=0, limit=1)
            except RemoteError as error:
                _log.warning("Telegram may send the last updates again: %s", error)

    def _run(self) -> None:
        is_clear = False
        while not self._stop.is_set():
            try:
                if not is_clear:
                    # Telegram refuses to be polled while a webhook is set.
                    self._api.delete_webhook()
                    is_clear = True
                self._poll()
                self._delays.reset()
            except TelegramRefused as error:
                if error.status in TOKEN_REFUSALS:
                    self._fail(SettingError("TELEGRAM_BOT_TOKEN", f"Telegram refuses it: {error.problem}"))
                    return
                # 409: a webhook was set meanwhile, or another program polls. Leave it: someone did that on purpose.
                self._pause(error, error.retry_after or self._delays.next_s())
            except RemoteError as error:
                self._pause(error, self._delays.next_s())

    def _poll(self) -> None:
        for update in self._api.updates(self._next, wait_s=LONG_POLL_S):
            if self._stop.is_set():
                return
            # Updates without a text count, too: else Telegram would repeat them without end.
            if isinstance(update, dict) and isinstance(update.get("update_id"), int):
                self._next = max(self._next, update["update_id"] + 1)
            message = text_message(update)
            if message is not None:
                self._take(message)

    def _pause(self, error: RemoteError, pause_s: float) -> None:
        _log.warning("%s; polling again in %g s", error, pause_s)
        self._stop.wait(pause_s)


class WebhookServer:
    """Serves `POST /` for Telegram's updates, which must carry the secret if one is set."""

    def __init__(self, host: str, port: int, secret: str, take: TakeMessage) -> None:
        """Bind the port.

        Raises:
            SettingError: the port is not available.
        """
        # Name the protocol: asyncio disables Nagle's algorithm only on sockets created as TCP.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except OSError as error:
            self._listener.close()
            name = "BIFROST_PORT_TELEGRAM_WEBHOOK"
            raise SettingError(name, f"{host}:{port}: {error.strerror}; set another port") from error
        self._listener.listen()
        config = uvicorn.Config(
            webhook_app(secret, take),
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, name="webhook")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Start serving on a thread."""
        self._thread.start()

    def close(self) -> None:
        """Finish the current requests, then end."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def webhook_app(secret: str, take: TakeMessage) -> Starlette:
    """Return the webhook as an ASGI application. It answers as soon as an update is queued: Telegram does not wait."""

    async def receive(request: Request) -> Response:
        # Telegram sends no Origin; a web page that posts always does, and must not speak to the bot without a secret.
        if "origin" in request.headers:
            return JSONResponse({"error": "web pages may not post updates"}, 403)
        if secret and not _is_equal(secret, request.headers.get(SECRET_HEADER, "")):
            return JSONResponse({"error": "wrong secret token"}, 401)
        body = await _read_body(request)
        if body is None:
            return JSONResponse({"error": "too large"}, 413)
        try:
            message = text_message(json.loads(body))
        except ValueError:
            return JSONResponse({"error": "not JSON"}, 400)
        except RecursionError:
            return JSONResponse({"error": "nested too deeply"}, 400)
        if message is not None:
            take(message)
        return JSONResponse({})

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[Route("/", receive, methods=["POST"]), Route("/healthz", health, methods=["GET"])],
    )


def webhook_server(settings: Settings, take: TakeMessage) -> WebhookServer:
    """Return the webhook server for the settings.

    They are `TELEGRAM_WEBHOOK_HOST`, `BIFROST_PORT_TELEGRAM_WEBHOOK` and `TELEGRAM_WEBHOOK_SECRET`.

    Raises:
        SettingError: one of them is invalid.
    """
    secret = webhook_secret(settings)
    if not secret:
        _log.warning("TELEGRAM_WEBHOOK_SECRET is not set: anyone who can reach the port can send messages to the bot")
    host = settings.get("TELEGRAM_WEBHOOK_HOST", LOOPBACK)
    return WebhookServer(host, settings.declared_port("telegram_webhook"), secret, take)


def webhook_secret(settings: Settings) -> str:
    """Return the secret that each update must carry; `""` if none is set.

    Raises:
        SettingError: Telegram does not accept such a secret.
    """
    secret = settings.get("TELEGRAM_WEBHOOK_SECRET")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise SettingError("TELEGRAM_WEBHOOK_SECRET", "must consist of up to 256 letters, digits, _ and -")
    return secret


def _is_equal(secret: str, given: str) -> bool:
    return hmac.compare_digest(secret.encode(), given.encode())


async def _read_body(request: Request) -> bytes | None:
    """Return the body, `None` if it is too large for an update."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        # Counted while reading, since the stated length may be wrong or missing.
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)
