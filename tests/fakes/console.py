"""The real console on a free port, served by a thread of the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
import uvicorn
from starlette.routing import BaseRoute

from bifrost.console.app import build
from bifrost.console.inbox.chat_store import TelegramChats
from bifrost.console.inbox.injected_faults import InjectedFaults
from bifrost.console.inbox.message_store import Inbox
from bifrost.console.login.require_session import ConsoleLogin


class Client(requests.Session):
    """Calls paths of one host with a token."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False  # whose proxies would be looked up for each request
        self.url = url
        self.headers["Authorization"] = "Bearer xoxb-anything"

    def request(self, method: str, path: str, *args, **options) -> requests.Response:  # type: ignore[override]
        return super().request(method, self.url + path, *args, timeout=10, **options)


@contextmanager
def running_console(
    path: Path,
    now: Callable[[], float],
    extra_routes: Sequence[BaseRoute] = (),
    *,
    pem: Path | None = None,
    login: ConsoleLogin | None = None,
    accepts_token: Callable[[str], bool] = bool,
) -> Iterator[Client]:
    """Serve an inbox kept in `path`, and the pages of `extra_routes`; the clock `now` gives seconds.

    With the file `pem` of a key and certificate, it is served over TLS.
    """
    chats = TelegramChats(path.with_name("telegram.sqlite"), now)
    inbox, faults = Inbox(path, now), InjectedFaults()
    app = build(inbox, chats, faults, extra_routes, login=login, accepts_token=accepts_token)
    # Named as TCP: else asyncio leaves its small packets waiting for each other.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3 if pem else 0,  # the end of TLS takes an answer
        ssl_certfile=pem,
        ssl_keyfile=pem,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    client = Client(f"http{'s' if pem else ''}://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield client
    finally:
        client.close()
        server.should_exit = True
        thread.join()
        listener.close()
