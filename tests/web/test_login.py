"""Basic authentication of the servers of a secured platform."""

from __future__ import annotations

import asyncio
import base64

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from bifrost.web.login import CHALLENGE, AcceptedUsers, RequireLogin

USERS = AcceptedUsers({"ada": ("secret",), "bob": ("pass:word", "newer")})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await PlainTextResponse("a page")(scope, receive, send)


def refused(problem: str) -> PlainTextResponse:
    return PlainTextResponse(problem, 401, {"WWW-Authenticate": CHALLENGE})


def sent(header: str | None, *, path: str = "/", kind: str = "http", users: AcceptedUsers = USERS) -> list[Message]:
    """What the server sends for a request with this Authorization header."""
    login = RequireLogin(app, users, refused, is_open=lambda path: path == "/open")
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    scope = {"type": kind, "method": "GET", "path": path, "headers": headers}
    chunks = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.request", "body": b"y"}]
    messages: list[Message] = []

    async def receive() -> Message:
        return chunks.pop(0)

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(login(scope, receive, send))
    if messages[0].get("status") == 401:
        assert not chunks, "a server resets a connection whose body it has not read"
    return messages


def status(header: str | None, **options: str) -> int:
    return int(sent(header, **options)[0]["status"])  # type: ignore[arg-type]


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    "header",
    [basic("ada", "secret"), basic("bob", "pass:word"), basic("bob", "newer"), "basic" + basic("ada", "secret")[5:]],
)
def test_each_user_gets_in_with_the_right_password(header: str) -> None:
    assert status(header) == 200


@pytest.mark.parametrize(
    "login",
    [
        ("ada", "wrong"),
        ("eve", "secret"),
        ("ada", "pass:word"),
        ("ada", "newer"),
        ("", ""),
        ("ada", ""),
        ("ADA", "secret"),
    ],
)
def test_a_wrong_password_an_unknown_user_and_the_password_of_another_are_refused(login: tuple[str, str]) -> None:
    assert status(basic(*login)) == 401


@pytest.mark.parametrize(
    "header", [None, "", "Basic", "Basic ???", "Bearer secret", "Digest YWRhOnNlY3JldA==", "Basic é"]
)
def test_a_malformed_or_missing_login_is_refused_with_the_challenge(header: str | None) -> None:
    begin = sent(header)[0]
    assert (begin["status"], dict(begin["headers"])[b"www-authenticate"]) == (401, CHALLENGE.encode())


def test_an_open_path_needs_no_login() -> None:
    assert status(None, path="/open") == 200
    assert status(None, path="/opened") == 401


def test_a_socket_needs_a_login_too() -> None:
    assert sent(None, kind="websocket") == [{"type": "websocket.close", "code": 1008}]
    assert sent(basic("ada", "secret"), kind="websocket") == [{"type": "websocket.accept"}]


def test_without_users_every_login_is_refused() -> None:
    assert sent(basic("", ""), users=AcceptedUsers({}))[0]["status"] == 401
