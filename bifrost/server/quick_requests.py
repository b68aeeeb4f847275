"""Answers look-ups by key within one turn of the event loop.

Queries and requests share one interpreter lock. A request that passes through Hypercorn's queue and tasks takes a dozen
turns of the event loop; under load each turn may wait for the lock. A request that is complete when it is read, and
whose answer is computed without waiting, needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Message

MAX_BODY_BYTES = 16 * 1024
_TARGETS = (b"POST /query-stream ", b"POST /query ")
_UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"connection"))
_Headers = list[tuple[bytes, bytes]]

QuickCheck = Callable[[str, bytes], bool]
"""Says of a path and a body whether the application answers them without waiting for anything."""


def never_quick(_path: str, _body: bytes) -> bool:
    """Leave every request to Hypercorn."""
    return False


class NoQuickRequest(Enum):
    """Bytes that are not a quick request."""

    UNSUITABLE = auto()
    INCOMPLETE = auto()


@dataclass(slots=True)
class QuickRequest:
    """A whole request, as httptools reads it; the names of its headers are in lower case."""

    target: bytes = b""
    headers: _Headers = field(default_factory=list)
    body: bytes = b""

    def on_url(self, target: bytes) -> None:
        """Take the target."""
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value))


def read_request(data: bytes) -> QuickRequest | NoQuickRequest:
    """Read what has come of a request.

    Only a plain HTTP/1.1 POST of a query with a small body can be quick: whatever is unusual or wrong about a request
    is for Hypercorn to handle.
    """
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator or not data.startswith(_TARGETS):
        return NoQuickRequest.UNSUITABLE
    request = QuickRequest(body=body)
    parser = HttpRequestParser(request)
    try:
        parser.feed_data(head + separator)
    except (HttpParserError, HttpParserUpgrade):
        return NoQuickRequest.UNSUITABLE
    length = _body_length(request.headers)
    if parser.get_http_version() != "1.1" or length is None or len(body) > length:
        return NoQuickRequest.UNSUITABLE
    return request if len(body) == length else NoQuickRequest.INCOMPLETE


def _body_length(headers: _Headers) -> int | None:
    """Return the length of a body; `None` if the headers are unusual or the body is large."""
    lengths = [value for name, value in headers if name == b"content-length"]
    hosts = [value for name, value in headers if name == b"host"]
    unusual = [value for name, value in headers if name in _UNUSUAL and value.lower() != b"keep-alive"]
    if len(lengths) != 1 or len(hosts) != 1 or unusual or not lengths[0].isdigit():
        return None
    length = int(lengths[0]) if len(lengths[0]) < 10 else MAX_BODY_BYTES + 1
    return length if length <= MAX_BODY_BYTES else None


class _Answer:
    """Collects what the application sends."""

    def __init__(self) -> None:
        self.status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
        self.headers: _Headers = []
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")

    def as_bytes(self, more_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        headers = [*self.headers, *more_headers]
        if all(name.lower() != b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % len(self.body)))
        lines = [b"HTTP/1.1 %d %b" % (self.status, HTTPStatus(self.status).phrase.encode())]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join([*lines, b"", bytes(self.body)])


async def quick_answer(
    app: ASGIApp, request: QuickRequest, connection: Mapping[str, Any], more_headers: Iterable[tuple[bytes, bytes]]
) -> tuple[bytes, Exception | None]:
    """Return the application's answer as bytes, and the error that it raised.

    Args:
        connection: the members of the ASGI scope that belong to the connection.
        more_headers: headers of the server itself.
    """
    path, _, query = request.target.partition(b"?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "method": "POST",
        "path": path.decode("ascii"),
        "raw_path": path,
        "query_string": query,
        "headers": request.headers,
        "extensions": {},
        **connection,
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    answer, problem = _Answer(), None
    try:
        await app(scope, receive, answer.send)
    except Exception as error:  # noqa: BLE001 - the request's top: the caller logs it, as Hypercorn does
        problem = error
    return answer.as_bytes(more_headers), problem
