"""Requests of foreign web pages are refused, those of programs and of the server's own pages are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from bifrost.errors import SettingError
from bifrost.settings import Settings
from bifrost.web.origin_check import OriginCheck, host_of

Headers = Iterable[tuple[str, str]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("secret")(scope, receive, send)


def sent(headers: Headers, *, method: str = "GET", kind: str = "http", **options: Any) -> list[Message]:
    """What the server sends when a request with these headers comes."""
    check = OriginCheck(app, lambda problem: JSONResponse({"error": problem}, 403), **options)
    scope = {
        "type": kind,
        "method": method,
        "path": "/",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    chunks = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.request", "body": b"y"}]
    messages: list[Message] = []

    async def receive() -> Message:
        return chunks.pop(0)

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(check(scope, receive, send))
    return messages


def status(headers: Headers, **options: Any) -> int:
    return int(sent(headers, **options)[0]["status"])


OWN = ("host", "127.0.0.1:5601")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:5601",
        "127.0.0.1",
        "127.9.9.9:80",
        "localhost:5601",
        "LOCALHOST",
        "localhost.:5601",
        "[::1]:5601",
        "[::1]",
        "",
    ],
)
def test_a_loopback_name_is_a_name_of_the_server(host: str):
    assert status([("host", host)]) == 200


def test_a_program_that_sends_no_host_is_served():
    assert status([]) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5601",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#127.0.0.1",
        "evil.example/127.0.0.1",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:x",
        "127.0.0.1:99999",
        "[::1",
        "::1",
        "[::2]",
        "127.0.0.1, evil.example",
        "127.0.0.1 evil.example",
        "0.0.0.0",
        "192.168.0.1",
        "2130706433",
        "\xe4vil",
        "a" * 5000,
    ],
)
def test_another_host_is_refused(host: str):
    assert status([("host", host)]) == 403


def test_a_second_host_header_is_refused():
    assert status([OWN, ("host", "evil.example")]) == 403


def test_the_refusal_names_the_host_and_the_setting():
    body = sent([("host", "evil.example:5601")])[1]["body"]
    assert b"'evil.example:5601'" in body
    assert b"BIFROST_ALLOWED_HOSTS" in body


def test_a_configured_host_is_a_name_of_the_server_and_its_pages_may_use_it():
    proxied = {"allowed_hosts": {"console.example"}}
    assert status([("host", "console.example")], **proxied) == 200
    assert status([("host", "Console.Example:443")], **proxied) == 200
    assert status([OWN, ("origin", "https://console.example")], method="POST", **proxied) == 200
    assert status([("host", "other.example")], **proxied) == 403
    assert status([OWN, ("origin", "https://sub.console.example")], **proxied) == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:3000",
        "http://127.0.0.1:5602",
        "http://127.0.0.1",
        "null",
        "",
        "file://",
        "chrome-extension://abcdef",
        "http://127.0.0.1:5601.evil.example",
        "http://127.0.0.1:5601@evil.example",
        "http://[",
    ],
)
def test_a_foreign_origin_is_refused_whatever_the_method(origin: str, method: str):
    assert status([OWN, ("origin", origin)], method=method) == 403


def test_a_second_foreign_origin_does_not_hide_behind_a_good_one():
    assert status([OWN, ("origin", "http://127.0.0.1:5601"), ("origin", "https://evil.example")]) == 403


@pytest.mark.parametrize("host", ["127.0.0.1:5601", "localhost:5601", "[::1]:5601"])
def test_the_servers_own_pages_may_use_it(host: str):
    own = [("host", host), ("origin", f"http://{host}"), ("sec-fetch-site", "same-origin")]
    assert status(own, method="POST") == 200


def test_an_allowed_origin_may_use_it_and_a_star_allows_all():
    shop = [OWN, ("origin", "https://shop.example")]
    assert status(shop, allowed_origins=("https://shop.example",)) == 200
    assert status(shop, allowed_origins=("http://shop.example",)) == 403
    assert status([OWN, ("origin", "null")], allowed_origins=("*",)) == 200
    assert status([("host", "evil.example"), ("origin", "https://shop.example")], allowed_origins=("*",)) == 403


def test_an_image_or_script_of_a_foreign_page_is_refused_though_it_has_no_origin():
    for site in ("cross-site", "same-site"):
        assert status([OWN, ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]) == 403
    for site in ("same-origin", "none"):
        assert status([OWN, ("sec-fetch-site", site)]) == 200


def test_a_link_on_a_foreign_page_may_be_followed_but_a_form_may_not_be_posted():
    link = [OWN, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]
    assert status(link) == 200
    assert status(link, method="POST") == 403


def test_a_websocket_of_a_foreign_page_is_closed_before_it_opens():
    assert sent([OWN, ("origin", "https://evil.example")], kind="websocket")[0]["type"] == "websocket.close"
    assert sent([("host", "evil.example")], kind="websocket")[0]["type"] == "websocket.close"
    assert sent([OWN], kind="websocket")[0]["type"] == "websocket.accept"


def test_the_body_of_a_refused_request_is_read_so_that_the_client_sees_the_answer():
    assert status([("host", "evil.example")], method="POST") == 403  # `receive` would raise if asked once too often


def test_hosts_are_read_without_port_brackets_and_trailing_dot():
    assert host_of("Console.Example.:80") == "console.example"
    assert host_of("[::1]:80") == "::1"
    assert host_of("a b") is None
    assert host_of("") is None


def test_further_hosts_are_a_setting():
    assert Settings({}).allowed_hosts == frozenset()
    named = Settings({"BIFROST_ALLOWED_HOSTS": " Console.Example, 10.0.0.7,fd00::7 ,db_1"})
    assert named.allowed_hosts == {"console.example", "10.0.0.7", "fd00::7", "db_1"}


@pytest.mark.parametrize("value", ["http://console.example", "console.example:5601", "*", "a b", "-a", "a/b", "[::1]"])
def test_a_malformed_host_names_the_setting(value: str):
    with pytest.raises(SettingError, match=r"BIFROST_ALLOWED_HOSTS: .* is not a host name"):
        _ = Settings({"BIFROST_ALLOWED_HOSTS": value}).allowed_hosts
