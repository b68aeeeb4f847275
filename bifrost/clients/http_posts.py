"""Posts JSON to one URL on persistent connections, several requests at the same time without a thread for each.

A post costs a twentieth of the CPU time that the usual HTTP libraries need: the head of a request never changes, and
httptools parses the answer.
"""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from ssl import SSLContext
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from bifrost.settings import LOOPBACK

MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class BrokenAnswer(OSError):
    """The answer is incomplete, too large or not HTTP."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpPosts:
    """Posts to one URL. Thread-safe.

    A request on a connection that the server closed while it was idle is sent again, once.
    """

    def __init__(self, url: str, headers: Mapping[str, str], tls: SSLContext, timeout_s: float) -> None:
        """Prepare the requests; connections are opened when they are needed.

        Args:
            url: an http or https URL; the proxy of the environment is used unless it is on this machine.
            headers: of each request, beside Host, Content-Type and Content-Length.
            timeout_s: for a connection, and then for the answer.
        """
        self._url = urlsplit(url)
        self._proxy = proxy_for(self._url)
        self._tls = tls
        self._timeout_s = timeout_s
        self._head = self._request_head(headers)
        # A list, because its `pop` and `append` are atomic.
        self._idle: list[socket] = []
        self._is_closed = False

    def post(self, bodies: Sequence[bytes]) -> list[HttpAnswer | OSError]:
        """Post all bodies at the same time, each on a connection of its own; return an answer or error for each."""
        idle = list(self._take_idle(len(bodies)))
        answers = self._exchange([*idle, *self._open(len(bodies) - len(idle))], bodies)
        stale = [place for place in range(len(idle)) if isinstance(answers[place], ConnectionError)]
        repeated = self._exchange(self._open(len(stale)), [bodies[place] for place in stale])
        for place, answer in zip(stale, repeated, strict=True):
            answers[place] = answer
        return answers

    def close(self) -> None:
        """Close the connections; those of posts in flight are closed after their answers."""
        self._is_closed = True
        for connection in self._take_idle(len(self._idle)):
            connection.close()

    def _take_idle(self, count: int) -> Iterable[socket]:
        with suppress(IndexError):
            for _ in range(count):
                yield self._idle.pop()

    def _open(self, count: int) -> list[socket | OSError]:
        if count <= 1:
            return [self._connect() for _ in range(count)]
        # Together: handshakes with a distant server take much longer than the posts.
        with ThreadPoolExecutor(count, thread_name_prefix="connect") as threads:
            return [attempt.result() for attempt in [threads.submit(self._connect) for _ in range(count)]]

    def _exchange(self, connections: Sequence[socket | OSError], bodies: Sequence[bytes]) -> list[HttpAnswer | OSError]:
        sent = [self._send(connection, body) for connection, body in zip(connections, bodies, strict=True)]
        # One deadline for all: the caller has other things to do than to wait for each of them in turn.
        deadline = time.monotonic() + self._timeout_s
        return [self._receive(connection, deadline) for connection in sent]

    def _send(self, connection: socket | OSError, body: bytes) -> socket | OSError:
        if isinstance(connection, OSError):
            return connection
        try:
            connection.settimeout(self._timeout_s)
            connection.sendall(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        except OSError as error:
            connection.close()
            return error
        return connection

    def _receive(self, connection: socket | OSError, deadline: float) -> HttpAnswer | OSError:
        if isinstance(connection, OSError):
            return connection
        try:
            answer, is_reusable = _read_answer(connection, deadline)
        except OSError as error:
            connection.close()
            return error
        if is_reusable and not self._is_closed:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _connect(self) -> socket | OSError:
        """Connect as the standard library does: TLS with the host's name, through a proxy's tunnel if there is one."""
        host, port = self._url.hostname or "", self._url.port
        through = self._proxy or self._url
        at_host, at_port = through.hostname or "", through.port
        opener: http.client.HTTPConnection
        if self._url.scheme == "https":
            opener = http.client.HTTPSConnection(at_host, at_port, timeout=self._timeout_s, context=self._tls)
            if self._proxy is not None:
                opener.set_tunnel(host, port, dict(_proxy_headers(self._proxy)))
        else:
            opener = http.client.HTTPConnection(at_host, at_port, timeout=self._timeout_s)
        try:
            opener.connect()
        except OSError as error:
            opener.close()
            return error
        except http.client.HTTPException as error:
            opener.close()
            return BrokenAnswer(f"the proxy's answer is not HTTP: {error}")
        connected: socket = opener.sock
        return connected

    def _request_head(self, headers: Mapping[str, str]) -> bytes:
        """Return everything before the number of a request's Content-Length."""
        target = self._url.path or "/"
        if self._url.query:
            target = f"{target}?{self._url.query}"
        sent = {"Host": self._url.netloc.rpartition("@")[2], **headers}
        if self._proxy is not None and self._url.scheme == "http":
            target = f"http://{sent['Host']}{target}"
            sent.update(_proxy_headers(self._proxy))
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        lines += ["Content-Type: application/json;charset=utf-8", "Content-Length: "]
        return "\r\n".join(lines).encode("latin-1")


@dataclass(slots=True)
class _Parsed:
    """Collects what the parser finds; an interim answer (1xx) makes room for the one that follows it."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    has_head: bool = False
    is_complete: bool = False

    def on_message_begin(self) -> None:
        self.headers.clear()
        self.body.clear()
        self.has_head = self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True


def _read_answer(connection: socket, deadline: float) -> tuple[HttpAnswer, bool]:
    """Return the answer, and whether the connection can be used again.

    Raises:
        ConnectionError: the server closed the connection without an answer.
        OSError: there was no complete answer before the deadline.
    """
    parsed = _Parsed()
    parser = HttpResponseParser(parsed)
    received = 0
    while not (parsed.is_complete and parser.get_status_code() >= 200):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        data = connection.recv(_CHUNK_BYTES)
        received += len(data)
        if not received:
            raise ConnectionResetError("the server closed the connection without an answer")
        if not data:
            return _until_closed(parsed, parser.get_status_code()), False
        if received > MAX_ANSWER_BYTES:
            raise BrokenAnswer(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise BrokenAnswer(f"the answer is not HTTP: {error}") from error
    # Not the parser's `should_keep_alive`, which holds only within its callbacks.
    is_reusable = parser.get_http_version() == "1.1" and "close" not in parsed.headers.get("connection", "").lower()
    return HttpAnswer(parser.get_status_code(), parsed.headers, bytes(parsed.body)), is_reusable


def _until_closed(parsed: _Parsed, status: int) -> HttpAnswer:
    """Return an answer that ends with its connection, because its head does not say how long it is."""
    says_length = "content-length" in parsed.headers or "transfer-encoding" in parsed.headers
    if not parsed.has_head or status < 200 or says_length:
        raise BrokenAnswer("the server closed the connection within its answer")
    return HttpAnswer(status, parsed.headers, bytes(parsed.body))


def json_body(arguments: Mapping[str, object]) -> bytes:
    """Return a JSON object for a body; half of a surrogate pair, which UTF-8 cannot hold, is escaped."""
    try:
        return orjson.dumps(arguments)
    except TypeError:
        return json.dumps(arguments).encode()


def proxy_for(url: SplitResult) -> SplitResult | None:
    """Return the proxy that the environment names for a URL; `None` for a URL on this machine."""
    host = url.hostname or ""
    # A proxy cannot reach the inbox on this machine.
    if host in (LOOPBACK, "localhost") or proxy_bypass(host):
        return None
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found:
        return None
    return urlsplit(found if "://" in found else f"http://{found}")


def _proxy_headers(proxy: SplitResult) -> Iterable[tuple[str, str]]:
    if proxy.username:
        login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        yield "Proxy-Authorization", f"Basic {b64encode(login.encode()).decode()}"
