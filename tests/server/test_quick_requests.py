"""Look-ups by key that are answered at once get the answers that all other requests get."""

import base64
import json
import re
import socket
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bifrost.server.app import create_app, quick_lookups
from bifrost.server.auth import Credentials
from bifrost.server.http_server import Http1
from bifrost.server.quick_requests import MAX_BODY_BYTES, never_quick
from tests.server.conftest import IDENTITY
from tests.server.serving import served

LOOKUP = "SELECT * FROM STATS WHERE ID = 'o1';"
HOST = "Host: 127.0.0.1"


@contextmanager
def connected(url):
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def request(body, *headers, path="/query-stream", start="POST {} HTTP/1.1", length=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [start.format(path), *headers, f"Content-Length: {len(data) if length is None else length}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def lookup(sql=LOOKUP, *headers, **options):
    return request({"sql": sql, "properties": {}}, HOST, *headers, **options)


def answers(connection, count):
    """The next answers, each with its status line, headers without the date, and body."""
    data, found = b"", []
    while len(found) < count:
        received = connection.recv(65536)
        assert received, data
        data += received
        while (head := re.match(rb"(.*?)\r\n\r\n", data, re.DOTALL)) is not None:
            length = int(re.search(rb"content-length: (\d+)", head[1].lower())[1])
            if len(data) < head.end() + length:
                break
            lines = [line for line in head[1].split(b"\r\n") if not line.lower().startswith(b"date:")]
            found.append((lines, data[head.end() : head.end() + length]))
            data = data[head.end() + length :]
    assert data == b""
    return found


def exchanged(url, *packets, count=None):
    with connected(url) as connection:
        if count is None:
            return [exchange(connection, packet) for packet in packets]
        for packet in packets:
            connection.sendall(packet)
        return answers(connection, count)


def exchange(connection, packet):
    connection.sendall(packet)
    return answers(connection, 1)[0]


@pytest.fixture
def quick(orders, monkeypatch):
    """The server's URL, and a list of what it has answered at once; the look-up's plan is known."""
    count = []
    inherited = Http1._answer

    async def counted(self, read):
        count.append(read.body)
        await inherited(self, read)

    monkeypatch.setattr(Http1, "_answer", counted)
    url = str(orders.http.base_url)
    exchanged(url, lookup())
    assert count == []
    return url, count


@pytest.fixture
def regular(orders):
    """The URL of a server that answers nothing at once."""
    with served(create_app(orders.engine, IDENTITY)) as url:
        yield url


def test_a_known_lookup_is_answered_at_once_for_any_key(quick):
    url, count = quick
    found = exchanged(url, lookup(), lookup(LOOKUP.replace("o1", "o2")), lookup(LOOKUP.replace("o1", "none")))
    assert [body.splitlines()[1:] for _, body in found] == [[b'["o1",1]'], [b'["o2",1]'], []]
    assert len(count) == 3


@pytest.mark.parametrize("body", [{"sql": LOOKUP}, {"sql": LOOKUP, "properties": {}, "sessionVariables": {}}])
@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Accept: application/json",),
        ("Accept: application/vnd.ksql.v1+json",),
        ("Accept: text/html",),
        ("Origin: http://elsewhere.example",),
        ("Sec-Fetch-Site: cross-site",),
        ("Connection: keep-alive", "content-type: application/json"),
    ],
)
def test_answers_are_those_of_other_requests(quick, regular, headers, body):
    url, count = quick
    packet = request(body, HOST, *headers)
    assert exchanged(url, packet) == exchanged(regular, packet)
    assert len(count) == 1


def test_the_old_form_of_a_query_is_answered_at_once(quick, regular):
    url, count = quick
    packet = request({"ksql": LOOKUP, "streamsProperties": {}}, HOST, path="/query")
    assert exchanged(url, packet) == exchanged(regular, packet)
    assert len(count) == 1


@pytest.mark.parametrize(
    "packet",
    [
        lookup("SELECT * FROM STATS;"),
        lookup("SELECT * FROM STATS WHERE ID = 5;"),
        lookup("SELECT * FROM MISSING WHERE ID = 'o1';"),
        request(b"{", HOST),
        request(b"[]", HOST),
        request({"sql": 7}, HOST),
        request({"sql": LOOKUP, "properties": {"no.such": "1"}}, HOST),
        request({"sql": LOOKUP, "properties": 5}, HOST),
        request({"sql": LOOKUP, "commandSequenceNumber": "x"}, HOST),
        request({"sql": LOOKUP, "more": "x" * MAX_BODY_BYTES}, HOST),
        request({"sql": LOOKUP}),
        request({"sql": LOOKUP}, HOST, HOST),
        request({"sql": LOOKUP}, HOST, "Content-Length: 3"),
        request({"sql": LOOKUP}, HOST, "bad header: 1"),
        request({"sql": LOOKUP}, HOST, path="/query-streams"),
        request({"sql": LOOKUP}, HOST, path="http://127.0.0.1/query-stream"),
        request({"sql": LOOKUP}, HOST, start="PUT {} HTTP/1.1"),
    ],
)
def test_whatever_is_unusual_is_answered_as_before(quick, regular, packet):
    url, count = quick
    assert exchanged(url, packet) == exchanged(regular, packet)
    assert count == []


@pytest.mark.parametrize("packet", [lookup(LOOKUP, "Connection: close"), lookup(start="POST {} HTTP/1.0")])
def test_a_connection_that_shall_end_is_closed(quick, packet):
    with connected(quick[0]) as connection:
        assert exchange(connection, packet)[1].splitlines()[1:] == [b'["o1",1]']
        assert connection.recv(1) == b""


def test_a_body_that_waits_to_be_invited_is_invited(quick):
    packet = lookup(LOOKUP, "Expect: 100-continue")
    head, separator, body = packet.partition(b"\r\n\r\n")
    with connected(quick[0]) as connection:
        connection.sendall(head + separator)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        assert exchange(connection, body)[1].splitlines()[1:] == [b'["o1",1]']


def test_a_body_in_chunks_is_read(quick):
    body = json.dumps({"sql": LOOKUP}).encode()
    head = f"POST /query-stream HTTP/1.1\r\n{HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    found = exchanged(quick[0], head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert found[0][1].splitlines()[1:] == [b'["o1",1]']


def test_a_request_may_come_in_pieces(quick):
    url, _ = quick
    packet = lookup()
    with connected(url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in (1, 10, packet.index(b"\r\n\r\n") + 2, packet.index(b"\r\n\r\n") + 4, len(packet) - 1):
            connection.sendall(packet[:at])
            assert exchange(connection, packet[at:])[1].splitlines()[1:] == [b'["o1",1]']
        for at in range(0, len(packet) - 1):
            connection.sendall(packet[at : at + 1])
        assert exchange(connection, packet[-1:])[1].splitlines()[1:] == [b'["o1",1]']


def test_requests_that_come_together_are_answered_in_their_order(quick):
    packets = [lookup(LOOKUP.replace("o1", key)) for key in ("o1", "o2", "o1")]
    found = exchanged(quick[0], b"".join(packets), count=3)
    assert [body.splitlines()[1:] for _, body in found] == [[b'["o1",1]'], [b'["o2",1]'], [b'["o1",1]']]


def test_quick_and_other_requests_share_a_connection(quick):
    url, count = quick
    scan = lookup("SELECT * FROM STATS;")
    found = exchanged(url, lookup(), scan, lookup(), scan, lookup())
    assert [len(body.splitlines()) for _, body in found] == [2, 3, 2, 3, 2]
    assert len(count) == 3


def test_a_connection_may_end_within_a_request(quick):
    url, _ = quick
    with connected(url) as connection:
        connection.sendall(lookup()[:-1])
    assert exchanged(url, lookup())[0][1].splitlines()[1:] == [b'["o1",1]']


def test_a_lookup_needs_the_password(quick, orders):
    app = create_app(orders.engine, IDENTITY, Credentials("me", "secret"))
    right = base64.b64encode(b"me:secret").decode()
    with served(app, quick_lookups(orders.engine)) as url, served(app, never_quick) as regular:
        for headers in ((), ("Authorization: Basic bWU6eA==",), (f"Authorization: Basic {right}",)):
            packet = lookup(LOOKUP, *headers)
            assert exchanged(url, packet) == exchanged(regular, packet)


def test_a_dropped_table_is_an_error_at_once(quick, orders):
    orders.run("DROP TABLE STATS;")
    ((head, body),) = exchanged(quick[0], lookup())
    assert head[0] == b"HTTP/1.1 400 Bad Request" and "STATS does not exist" in json.loads(body)["message"]


def test_a_failure_of_the_application_ends_neither_connection_nor_server():
    async def fail(_request):
        raise ValueError("broken")

    app = Starlette(routes=[Route("/query-stream", fail, methods=["POST"])])
    with served(app, lambda _path, _body: True) as url:
        found = exchanged(url, lookup(), lookup())
    assert [head[0] for head, _ in found] == [b"HTTP/1.1 500 Internal Server Error"] * 2
