"""The console as one ASGI application, and how it is served."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bifrost.clients import ksqldb, search
from bifrost.clients.topic_tail import TopicTail
from bifrost.console.demo_hints import demo_hints
from bifrost.console.flow.flow_reader import open_flow_reader
from bifrost.console.inbox import inbox_api, slack_api, telegram_api
from bifrost.console.inbox.chat_store import TelegramChats
from bifrost.console.inbox.injected_faults import InjectedFaults
from bifrost.console.inbox.message_store import Inbox
from bifrost.console.ksql_editor import editor_page
from bifrost.console.login import login_page
from bifrost.console.login.accounts import Accounts
from bifrost.console.login.require_session import ConsoleLogin, RequireSession
from bifrost.console.login.sessions import Sessions
from bifrost.console.metrics_reader import metrics_reader
from bifrost.console.operated.target_pool import pool_of
from bifrost.console.pages import (
    actions_page,
    connectors_page,
    dashboards_page,
    dead_letters_page,
    groups_page,
    inbox_feed,
    inbox_page,
    metrics_page,
    overview_page,
    page_frame,
    pipelines_page,
    schemas_page,
    telegram_page,
    topics_page,
)
from bifrost.console.panel_reader import PanelReader
from bifrost.console.vega_bundle import bundle
from bifrost.default_settings import LOOPBACK
from bifrost.metrics.http_requests import RequestMetrics, metrics_route
from bifrost.operations.action_log import action_log_of
from bifrost.security.secure_folder import SecureFolder, secure_folder
from bifrost.settings import Settings
from bifrost.web.login import AcceptedTokens
from bifrost.web.origin_check import OriginCheck

_log = logging.getLogger("console")
_TELEGRAM_METHOD = re.compile(r"/bot[^/]+/[A-Za-z]+")


def build(
    inbox: Inbox,
    chats: TelegramChats,
    faults: InjectedFaults,
    extra_routes: Sequence[BaseRoute] = (),
    *,
    allowed_hosts: Collection[str] = (),
    login: ConsoleLogin | None = None,
    accepts_token: Callable[[str], bool] = bool,
) -> Starlette:
    """The application over an inbox and its chats, which it closes when it ends.

    Args:
        extra_routes: further pages and their data.
        allowed_hosts: host names beside those of the loopback by which it may be called.
        login: with it, only those who are logged in may use its pages.
        accepts_token: whether a token of the APIs of Slack and Telegram is valid; by default, any is.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        delivery = asyncio.create_task(telegram_api.deliver_to_webhook(chats))
        yield
        # Before the stores are closed, which the delivery uses.
        delivery.cancel()
        with suppress(asyncio.CancelledError):
            await delivery
        chats.close()
        inbox.close()

    routes = [
        Route("/healthz", _health, methods=["GET"]),
        metrics_route(),
        *inbox_api.routes(inbox, faults),
        *slack_api.routes(inbox, faults, accepts_token),
        *telegram_api.routes(chats, inbox, faults, accepts_token),
        *telegram_page.routes(chats),
        *inbox_page.routes(inbox),
        *inbox_feed.routes(inbox),
        *overview_page.routes(inbox),
        *extra_routes,
        *([] if login is None else login_page.routes(login)),
        page_frame.static_files(),
    ]
    origin_check = Middleware(OriginCheck, refusal=_forbidden, allowed_hosts=allowed_hosts)
    session = [] if login is None else [Middleware(RequireSession, login=login, is_open=needs_no_login)]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(RequestMetrics), origin_check, *session])


def serve(settings: Settings) -> None:
    """Serve the console on the loopback until a signal ends it.

    It uses uvicorn and not the HTTP/2 server of the ksqlDB API: a post costs half as much, and the console shares its
    cores with the pipelines that it shows.
    """
    path = inbox_path(settings)
    chats = TelegramChats(path.with_name("telegram.sqlite"), time.time)
    app = build(
        Inbox(path, time.time),
        chats,
        InjectedFaults(),
        monitoring_routes(settings),
        allowed_hosts=settings.allowed_hosts,
        login=console_login(secure_folder(settings)) if settings.is_secured else None,
        accepts_token=_accepted_tokens(settings).match if settings.is_secured else bool,
    )
    pem = str(secure_folder(settings).server_pem) if settings.is_secured else None
    _log.info("%s/ stores the inbox in %s", settings.local_url("console"), path)
    # Open pages never end their event streams, and a stop must not wait for them.
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=settings.port("console"),
        ssl_certfile=pem,
        ssl_keyfile=pem,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


def monitoring_routes(settings: Settings) -> list[BaseRoute]:
    """The pages that show the live system. They never wait for a part: no answer now is itself something to show."""
    reader = PanelReader(settings.project, search.from_settings(settings, patience_s=0))
    dashboards = dashboards_page.routes(reader, bundle(settings.cache), demo_hints(settings))
    flows = open_flow_reader(settings)
    threading.Thread(target=flows.keep_sampling, name="flow-samples", daemon=True).start()
    return [*dashboards, *pipelines_page.routes(flows), *operating_routes(settings)]


def operating_routes(settings: Settings) -> list[BaseRoute]:
    """The pages that operate the target."""

    def open_tail(topic: str, partition: int | None) -> TopicTail:
        return TopicTail(settings, topic, None if partition is None else (partition,))

    pool = pool_of(settings)
    log = action_log_of(settings)
    return [
        *topics_page.routes(pool, open_tail),
        *groups_page.routes(pool),
        *connectors_page.routes(pool),
        *schemas_page.routes(pool),
        *dead_letters_page.routes(pool),
        *metrics_page.routes(metrics_reader(settings)),
        *actions_page.routes(pool, log),
        # A statement that a person runs must not wait for a server that does not answer.
        *editor_page.routes(ksqldb.from_settings(settings, patience_s=0), log),
    ]


def inbox_path(settings: Settings) -> Path:
    """The file that holds the inbox."""
    return settings.data / "console" / "inbox.sqlite"


def console_login(folder: SecureFolder, monotonic: Callable[[], float] = time.monotonic) -> ConsoleLogin:
    """The login of a secured platform's console."""
    accounts = Accounts(folder.callers("CONSOLE"), folder.console_password, monotonic)
    return ConsoleLogin(accounts, Sessions(accounts.version, monotonic))


def needs_no_login(path: str) -> bool:
    """Whether a path is the login page or for programs: health, and the APIs that services post to.

    The APIs of Slack and Telegram have tokens in place of a user and password.
    """
    is_slack = path.removeprefix("/api").removeprefix("/") in slack_api.METHODS
    is_telegram = _TELEGRAM_METHOD.fullmatch(path) is not None
    return path == "/healthz" or path in login_page.OPEN_PATHS or is_slack or is_telegram


def _accepted_tokens(settings: Settings) -> AcceptedTokens:
    """Those of the services, and those that a person has set for Slack and Telegram."""
    configured = (settings.get("SLACK_API_TOKEN"), settings.get("TELEGRAM_BOT_TOKEN"))
    return AcceptedTokens((*secure_folder(settings).inbox_tokens, *configured))


def _forbidden(problem: str) -> Response:
    # `ok` is for clients of the Slack and Telegram APIs, which look at it first.
    return JSONResponse({"ok": False, "error": problem}, 403)


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})
