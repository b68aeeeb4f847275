"""Posts against servers that answer in every way HTTP allows, and in some that it does not."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from bifrost.clients.http_posts import MAX_ANSWER_BYTES, BrokenAnswer, HttpAnswer, HttpPosts
from tests.fakes.certificates import Authority
from tests.fakes.http_server import Answer, FakeServer, Fault, Request, running

TLS = ssl.create_default_context()
BODIES = [b'{"number": %d}' % number for number in range(4)]
Serve = Callable[[socket.socket], None]


def posts_to(url: str, timeout_s: float = 10.0, tls: ssl.SSLContext = TLS) -> HttpPosts:
    return HttpPosts(url, {"Authorization": "Bearer x"}, tls, timeout_s)


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """Call `serve` with each connection, in a new thread; yield the address."""

    def run(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=run, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def requests_of(connection: socket.socket) -> Iterator[bytes]:
    """Yield the head of each request, whose body must come with it."""
    while data := connection.recv(65536):
        while b"\r\n\r\n" not in data or not data.endswith(b"}"):
            data += connection.recv(65536)
        yield data.partition(b"\r\n\r\n")[0]


def replying(answer: bytes) -> tuple[Serve, list[bytes]]:
    """Return a function that sends `answer` once and closes, and the heads that it received."""
    heads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heads.append(next(requests_of(connection)))
        connection.sendall(answer)

    return serve, heads


def test_several_posts_are_in_flight_together_and_use_their_connections_again():
    together = threading.Barrier(len(BODIES), timeout=10)
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        for _ in requests_of(connection):
            together.wait()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(serve) as address, closing(posts_to(f"http://{address}/api")) as posts:
        for _ in range(3):
            assert posts.post(BODIES) == [HttpAnswer(200, {"content-length": "2"}, b"{}")] * len(BODIES)
    assert len(connections) == len(BODIES)


def test_each_post_has_its_own_answer():
    with running(FakeServer(lambda request: Answer(201, request.body))) as server:
        with closing(posts_to(f"{server.url}/api?a=1")) as posts:
            answers = posts.post(BODIES)

    assert [answer.body for answer in answers if isinstance(answer, HttpAnswer)] == BODIES
    assert {(request.path, request.query["a"]) for request in server.requests} == {("/api", "1")}


def test_a_failed_post_leaves_the_others_as_they_are():
    def respond(request: Request) -> Answer:
        return Answer(503 if request.body["number"] == 1 else 200, request.body)

    with running(FakeServer(respond)) as server, closing(posts_to(server.url)) as posts:
        server.faults = [Fault("POST", "/", hang_up=True)]
        answers = posts.post(BODIES)
        statuses = sorted(answer.status for answer in answers if isinstance(answer, HttpAnswer))
        assert len(statuses) == len(BODIES) - 1 and set(statuses) <= {200, 503}
        (failed,) = (answer for answer in answers if isinstance(answer, OSError))
        assert isinstance(failed, ConnectionResetError)


def test_posts_on_connections_that_the_server_closed_are_sent_again():
    first: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        first.append(connection)
        for _ in requests_of(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if connection in first[: len(BODIES)]:
                return

    with raw_server(serve) as address, closing(posts_to(f"http://{address}")) as posts:
        for _ in range(2):
            assert [type(answer) for answer in posts.post(BODIES)] == [HttpAnswer] * len(BODIES)
    assert len(first) == 2 * len(BODIES)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    ],
)
def test_every_form_of_answer_is_read(answer: bytes):
    serve, heads = replying(answer)
    with raw_server(serve) as address, closing(posts_to(f"http://{address}/api")) as posts:
        for _ in range(2):
            (found,) = posts.post(BODIES[:1])
            assert isinstance(found, HttpAnswer) and (found.status, found.body) == (200, b"body")
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "POST /api HTTP/1.1"
    assert {f"Host: {address}", f"Content-Length: {len(BODIES[0])}", "Authorization: Bearer x"} <= set(lines)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody", "closed the connection within"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbo", "closed the connection within"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER_BYTES + 1), "larger than"),
    ],
)
def test_a_broken_answer_is_an_error(answer: bytes, problem: str):
    serve, _ = replying(answer)
    with raw_server(serve) as address, closing(posts_to(f"http://{address}")) as posts:
        (found,) = posts.post(BODIES[:1])
    assert isinstance(found, BrokenAnswer) and problem in str(found)


def test_servers_that_never_answer_cost_one_timeout_together():
    release, bodies = threading.Event(), BODIES * 5
    with raw_server(lambda _: release.wait(60)) as address, closing(posts_to(f"http://{address}", 0.5)) as posts:  # type: ignore[func-returns-value]
        started = time.monotonic()
        answers = posts.post(bodies)
        took_s = time.monotonic() - started
        release.set()
    assert [type(answer) for answer in answers] == [TimeoutError] * len(bodies)
    assert took_s < 0.5 * len(bodies) / 2


def test_an_unreachable_server_is_an_error_of_each_post():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with closing(posts_to(url)) as posts:
        assert [type(answer) for answer in posts.post(BODIES)] == [ConnectionRefusedError] * len(BODIES)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_http_goes_through_the_proxy_of_the_environment(environment: pytest.MonkeyPatch):
    serve, heads = replying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    with raw_server(serve) as address:
        environment.setenv("http_proxy", f"http://me:p%40ss@{address}")
        with closing(posts_to("http://slack.invalid/api")) as posts:
            assert isinstance(posts.post(BODIES[:1])[0], HttpAnswer)
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "POST http://slack.invalid/api HTTP/1.1"
    assert {"Host: slack.invalid", "Proxy-Authorization: Basic bWU6cEBzcw=="} <= set(lines)


def test_https_goes_through_a_tunnel_of_the_proxy(environment: pytest.MonkeyPatch, tmp_path: Path):
    authority = Authority(tmp_path)
    server_tls = authority.server(authority.sign("slack", address="192.0.2.1"))
    tunnels: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        tunnels.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with server_tls.wrap_socket(connection, server_side=True) as tunnel:
            for _ in requests_of(tunnel):
                tunnel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(serve) as address:
        environment.setenv("HTTPS_PROXY", f"http://{address}")
        tls = ssl.create_default_context(cafile=str(authority.ca))
        with closing(posts_to("https://192.0.2.1/api", tls=tls)) as posts:
            assert [type(posts.post(BODIES[:1])[0]) for _ in range(2)] == [HttpAnswer] * 2
    assert len(tunnels) == 1 and tunnels[0].startswith(b"CONNECT 192.0.2.1:443 HTTP/1.")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n"])
def test_a_refused_tunnel_is_an_error(environment: pytest.MonkeyPatch, answer: bytes):
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw_server(serve) as address:
        environment.setenv("https_proxy", address)
        with closing(posts_to("https://slack.invalid/api")) as posts:
            assert isinstance(posts.post(BODIES[:1])[0], OSError)


def test_no_proxy_is_used_for_this_machine_or_for_excepted_hosts(environment: pytest.MonkeyPatch):
    environment.setenv("http_proxy", "http://127.0.0.1:1")
    environment.setenv("no_proxy", "slack.invalid")
    with running(FakeServer(lambda _: Answer(200, {}))) as server, closing(posts_to(server.url)) as posts:
        assert isinstance(posts.post(BODIES[:1])[0], HttpAnswer)
    with closing(posts_to("http://slack.invalid/")) as posts:
        assert isinstance(posts.post(BODIES[:1])[0], socket.gaierror)


def test_a_foreign_certificate_is_refused(tmp_path: Path):
    authority = Authority(tmp_path)
    with running(FakeServer(lambda _: Answer(200, {})), authority.server(authority.sign("server"))) as server:
        with closing(posts_to(server.url)) as posts:
            assert isinstance(posts.post(BODIES[:1])[0], ssl.SSLError)
        with closing(posts_to(server.url, tls=ssl.create_default_context(cafile=str(authority.ca)))) as posts:
            assert isinstance(posts.post(BODIES[:1])[0], HttpAnswer)


def test_a_post_after_the_end_leaves_no_connection_open():
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        for _ in requests_of(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        ended.set()

    with raw_server(serve) as address:
        posts = posts_to(f"http://{address}")
        posts.close()
        assert isinstance(posts.post(BODIES[:1])[0], HttpAnswer)
        assert ended.wait(10)
