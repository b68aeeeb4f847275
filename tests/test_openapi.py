"""The descriptions of our HTTP APIs in docs/reference/openapi have exactly the routes that are served.

A new route of an API needs an entry in its file; a page of the console, which is HTML, needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from starlette.routing import BaseRoute, Route

from bifrost.console.app import build, operating_routes
from bifrost.console.inbox.chat_store import TelegramChats
from bifrost.console.inbox.injected_faults import InjectedFaults
from bifrost.console.inbox.message_store import Inbox
from bifrost.console.pages import dashboards_page, pipelines_page
from bifrost.rest_proxy.app import create_app as create_proxy
from bifrost.server.app import KsqlApi, ServerIdentity
from bifrost.settings import PROJECT, Settings

FOLDER = PROJECT / "docs" / "reference" / "openapi"
NOTHING = cast("Any", None)
"""Routes need no far ends before they are called."""
METHODS = frozenset({"get", "post", "put", "delete", "patch"})
NOT_PAGES = frozenset({"healthz", "metrics", "events"})


def described(name: str) -> set[tuple[str, str]]:
    """The methods and paths in a file."""
    paths = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["paths"]
    return {(method.upper(), path) for path, item in paths.items() for method in item.keys() & METHODS}


def served(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """The methods and paths of routes, without the types of their parameters."""
    return {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ("POST",)
        if method != "HEAD"
    }


def is_page(method: str, path: str) -> bool:
    """Whether a path of the console is HTML for a browser."""
    return method == "GET" and not path.startswith(("/api/", "/bot")) and path.rpartition("/")[2] not in NOT_PAGES


def test_every_route_of_ksqldb_is_described() -> None:
    routes = KsqlApi(NOTHING, ServerIdentity("service", "cluster", "host")).routes()
    assert described("ksqldb") == served(routes)


def test_every_route_of_the_rest_proxy_is_described() -> None:
    assert described("rest-proxy") == served(create_proxy(NOTHING, NOTHING, NOTHING).routes)


@pytest.fixture
def console_routes(tmp_path: Path) -> Iterable[BaseRoute]:
    inbox, chats = Inbox(tmp_path / "inbox.sqlite", lambda: 0.0), TelegramChats(tmp_path / "chats.sqlite", lambda: 0.0)
    settings = Settings({"BIFROST_HOME": str(tmp_path)}, PROJECT)
    pages = [*dashboards_page.routes(NOTHING, tmp_path), *pipelines_page.routes(NOTHING), *operating_routes(settings)]
    yield build(inbox, chats, InjectedFaults(), pages).routes
    chats.close()
    inbox.close()


def test_every_route_of_the_console_that_is_no_page_is_described(console_routes: Iterable[BaseRoute]) -> None:
    assert described("console") == {route for route in served(console_routes) if not is_page(*route)}
