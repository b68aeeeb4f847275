"""Posts JSON to one URL on persistent connections, several requests at the same time without a thread for each.

The standard library's client can send all requests before it reads the first answer, and needs half of the CPU time
that urllib3 needs.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from ssl import SSLContext
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from bifrost.default_settings import LOOPBACK

MAX_ANSWER_BYTES = 1024 * 1024


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
        self._target, self._headers = self._request_head(headers)
        # A list, because its `pop` and `append` are atomic.
        self._idle: list[HTTPConnection] = []
        self._is_closed = False

    def post(self, bodies: Sequence[bytes]) -> list[HttpAnswer | OSError]:
        """Post all bodies at the same time, one per connection; return an answer or error for each."""
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

    def _take_idle(self, count: int) -> Iterable[HTTPConnection]:
        with suppress(IndexError):
            for _ in range(count):
                yield self._idle.pop()

    def _open(self, count: int) -> list[HTTPConnection | OSError]:
        if count <= 1:
            return [self._connect() for _ in range(count)]
        # Together: handshakes with a distant server take much longer than the posts.
        with ThreadPoolExecutor(count, thread_name_prefix="connect") as threads:
            return [attempt.result() for attempt in [threads.submit(self._connect) for _ in range(count)]]

    def _exchange(
        self, connections: Sequence[HTTPConnection | OSError], bodies: Sequence[bytes]
    ) -> list[HttpAnswer | OSError]:
        sent = [self._send(connection, body) for connection, body in zip(connections, bodies, strict=True)]
        # One deadline for all: the caller has other things to do than to wait for each of them in turn.
        deadline = time.monotonic() + self._timeout_s
        return [self._receive(connection, deadline) for connection in sent]

    def _send(self, connection: HTTPConnection | OSError, body: bytes) -> HTTPConnection | OSError:
        if isinstance(connection, OSError):
            return connection
        try:
            connection.sock.settimeout(self._timeout_s)
            connection.request("POST", self._target, body, self._headers)
        except (OSError, HTTPException) as error:
            connection.close()
            return error if isinstance(error, OSError) else BrokenAnswer(str(error))
        return connection

    def _receive(self, connection: HTTPConnection | OSError, deadline: float) -> HttpAnswer | OSError:
        if isinstance(connection, OSError):
            return connection
        try:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            answer, is_reusable = _read_answer(connection)
        except OSError as error:
            connection.close()
            return error
        if is_reusable and not self._is_closed:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _connect(self) -> HTTPConnection | OSError:
        """Connect with TLS for the host's name, through a proxy's tunnel if there is one."""
        through = self._proxy or self._url
        at_host, at_port = through.hostname or "", through.port
        opener: HTTPConnection
        if self._url.scheme == "https":
            opener = HTTPSConnection(at_host, at_port, timeout=self._timeout_s, context=self._tls)
            if self._proxy is not None:
                opener.set_tunnel(self._url.hostname or "", self._url.port, dict(_proxy_headers(self._proxy)))
        else:
            opener = HTTPConnection(at_host, at_port, timeout=self._timeout_s)
        try:
            opener.connect()
        except OSError as error:
            opener.close()
            return error
        except HTTPException as error:
            opener.close()
            return BrokenAnswer(f"the proxy's answer is not HTTP: {error}")
        return opener

    def _request_head(self, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return the target and the headers of each request."""
        target = self._url.path or "/"
        if self._url.query:
            target = f"{target}?{self._url.query}"
        sent = {"Host": self._url.netloc.rpartition("@")[2], **headers}
        if self._proxy is not None and self._url.scheme == "http":
            target = f"http://{sent['Host']}{target}"
            sent.update(_proxy_headers(self._proxy))
        return target, {**sent, "Content-Type": "application/json;charset=utf-8"}


def _read_answer(connection: HTTPConnection) -> tuple[HttpAnswer, bool]:
    """Return the answer, and whether the connection can be used again.

    Raises:
        ConnectionError: the server closed the connection without an answer.
        OSError: there was no complete answer before the deadline.
    """
    try:
        with connection.getresponse() as response:
            body = response.read(MAX_ANSWER_BYTES + 1)
            is_read = response.isclosed()
    except IncompleteRead as error:
        raise BrokenAnswer("the server closed the connection within its answer") from error
    except HTTPException as error:
        # `RemoteDisconnected` is one, too, and says that a connection was closed while it was idle.
        if isinstance(error, ConnectionError):
            raise
        raise BrokenAnswer(f"the answer is not HTTP: {error}") from error
    if response.length:
        raise BrokenAnswer("the server closed the connection within its answer")
    if response.status < 200:
        raise BrokenAnswer(f"the answer is not HTTP: status {response.status}")
    if len(body) > MAX_ANSWER_BYTES:
        raise BrokenAnswer(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return HttpAnswer(response.status, headers, body), is_read and not response.will_close


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
