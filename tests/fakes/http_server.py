"""A real HTTP server on a free port; the test decides its answers and faults."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

WRITES = ("POST", "PUT", "DELETE")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    text: str | None = None
    chunks: tuple[bytes, ...] = ()
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class Fault:
    """Fails `times` times for matching requests; with `carried_out`, after the work is done."""

    method: str
    path: str
    status: int = 0
    body: Any = None
    hang_up: bool = False
    carried_out: bool = False
    times: int = 1

    def matches(self, request: Request) -> bool:
        return self.times > 0 and self.method == request.method and re.search(self.path, request.path) is not None


Respond = Callable[[Request], Answer]


@dataclass
class FakeServer:
    """`respond` answers; `requests` collects the requests, `faults` lists the failures to come."""

    respond: Respond
    is_write: Callable[[Request], bool] = lambda request: request.method in WRITES
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    url: str = ""

    def writes(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests if self.is_write(request)]

    def answer(self, request: Request) -> Answer | None:
        """Return the answer, or `None` to hang up."""
        self.requests.append(request)
        for fault in self.faults:
            if fault.matches(request):
                fault.times -= 1
                if fault.carried_out:
                    self.respond(request)
                return None if fault.hang_up else Answer(fault.status, fault.body)
        return self.respond(request)


class _Server(ThreadingHTTPServer):
    """Starts and ends without delay, and does not wake up between connections."""

    daemon_threads = True
    _is_ended = False

    def accept_all(self) -> None:
        """Serve connections until `end`."""
        while not self._is_ended:
            # It fails when the listening socket is shut down, and for a client that has gone.
            with suppress(OSError):
                self.process_request(*self.get_request())

    def end(self) -> None:
        """Accept no more connections."""
        self._is_ended = True
        self.socket.shutdown(socket.SHUT_RDWR)


class _Quiet(_Server):
    """A failed handshake is what a test provokes, and no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing."""


@contextmanager
def running(fake: FakeServer, tls: ssl.SSLContext | None = None) -> Iterator[FakeServer]:
    server = (_Quiet if tls else _Server)(("127.0.0.1", 0), _handler_of(fake))
    if tls is not None:
        # The handshake belongs to the thread of the connection: a client that never speaks TLS must not block others.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.accept_all)
    thread.start()
    fake.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.end()
        thread.join()
        server.server_close()


def _decoded(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    if content_type.startswith("multipart/"):
        return raw.decode()
    if content_type == "application/x-ndjson":
        return [json.loads(line) for line in raw.splitlines()]
    return json.loads(raw)


def _handler_of(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # one packet per answer: two would wait for each other 40 ms

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = _decoded(raw, self.headers.get("Content-Type") or "")
            answer = fake.answer(Request(self.command, unquote(parts.path), query, body, dict(self.headers)))
            if answer is None:
                self.close_connection = True
                return
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.chunks:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for chunk in (*answer.chunks, b""):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                return
            content = answer.content()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Tests need no access log."""

    return Handler
