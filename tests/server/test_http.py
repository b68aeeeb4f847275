"""The HTTP server under the API: what clients of both versions of the protocol rely on."""

import json
import socket
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

DELIMITED = "application/vnd.ksqlapi.delimited.v1"


class Http2Client:
    """One HTTP/2 connection that a test drives frame by frame."""

    def __init__(self, connected: socket.socket, authority: str) -> None:
        self._socket = connected
        self._authority = authority
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self.frames: dict[int, list[bytes]] = {}
        self.ended: set[int] = set()
        self.status: dict[int, str] = {}
        self._flush()

    def request(self, method: str, path: str, **headers: str) -> int:
        stream = self._h2.get_next_available_stream_id()
        names = {":method": method, ":path": path, ":scheme": "http", ":authority": self._authority, **headers}
        self._h2.send_headers(stream, list(names.items()))
        self.frames[stream] = []
        self._flush()
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        self._h2.send_data(stream, data, end_stream=end)
        self._flush()

    def end(self, stream: int) -> None:
        self.send(stream, b"", end=True)

    def read_until(self, condition) -> None:
        while not condition():
            data = self._socket.recv(65536)
            assert data, "the server closed the connection"
            for event in self._h2.receive_data(data):
                match event:
                    case h2.events.ResponseReceived():
                        self.status[event.stream_id] = dict(event.headers)[":status"]
                    case h2.events.DataReceived(data=b""):
                        pass  # the frame that only ends the stream
                    case h2.events.DataReceived():
                        self.frames[event.stream_id].append(event.data)
                        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    case h2.events.StreamEnded() | h2.events.StreamReset():
                        self.ended.add(event.stream_id)
            self._flush()

    def answer(self, stream: int) -> bytes:
        self.read_until(lambda: stream in self.ended)
        return b"".join(self.frames[stream])

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())


@contextmanager
def http2(api):
    url = httpx.URL(str(api.http.base_url))
    with socket.create_connection((url.host, url.port), timeout=10) as connected:
        yield Http2Client(connected, f"{url.host}:{url.port}")


def push(client: Http2Client, sql: str) -> int:
    stream = client.request("POST", "/query-stream", accept=DELIMITED)
    properties = {"auto.offset.reset": "earliest"}
    client.send(stream, json.dumps({"sql": sql, "properties": properties}).encode(), end=True)
    return stream


def late_body(client: Http2Client, method: str, path: str, first: bytes = b"", chunks: int = 1) -> int:
    """A request whose body continues to arrive after the answer."""
    stream = client.request(method, path, accept=DELIMITED)
    if first:
        client.send(stream, first)
    client.read_until(lambda: stream in client.ended)
    for _ in range(chunks):
        client.send(stream, b"late")
    client.end(stream)
    return stream


@pytest.mark.parametrize(
    ("method", "path", "first", "status"),
    [
        ("GET", "/info", b"", "200"),
        ("POST", "/nowhere", b"", "404"),
        ("PUT", "/ksql", b"", "405"),
        ("POST", "/inserts-stream", b'{"target":"ORDERS"}\n{"ID":"x","AMOUNT":"wrong"}\n', "200"),
        ("POST", "/inserts-stream", b'{"target":"NOPE"}\n', "400"),
    ],
)
def test_an_early_answer_keeps_the_connection_and_its_push_queries(orders, method, path, first, status):
    with http2(orders) as client:
        rows = push(client, "SELECT ID FROM ORDERS EMIT CHANGES;")
        client.read_until(lambda: len(client.frames[rows]) == 3)

        answered = late_body(client, method, path, first, chunks=30)

        assert client.status[answered] == status
        orders.world.send("orders", {"AMOUNT": 1.0}, "later")
        client.read_until(lambda: b'["later"]\n' in client.frames[rows])
        assert json.loads(client.answer(push(client, "SELECT * FROM STATS WHERE ID = 'o1';")).splitlines()[1]) == [
            "o1",
            1,
        ]


def test_a_large_body_that_is_not_read_does_not_stall_the_connection(orders):
    with http2(orders) as client:
        stream = client.request("POST", "/nowhere")
        for _ in range(40):
            client.send(stream, b"x" * 1000)
        client.end(stream)
        client.answer(stream)
        assert client.status[stream] == "404"
        info = client.request("GET", "/info")
        client.end(info)
        assert b"KsqlServerInfo" in client.answer(info)


def test_over_http_1_a_large_body_that_is_not_read_leaves_the_connection_usable(orders):
    for _ in range(3):
        assert orders.http.post("/nowhere", content=b"x" * 500_000).status_code == 404
    assert orders.http.get("/info").status_code == 200


def test_each_row_is_a_frame_of_its_own(orders):
    with http2(orders) as client:
        stream = push(client, "SELECT ID, TAGS FROM ORDERS EMIT CHANGES LIMIT 2;")
        client.answer(stream)
        header, *rows = [json.loads(frame) for frame in client.frames[stream]]
        assert header["columnNames"] == ["ID", "TAGS"]
        assert rows == [["o1", ["a"]], ["o2", ["a"]]]


def test_the_target_of_a_request_may_be_a_whole_url(orders):
    with http2(orders) as client:
        stream = client.request("POST", f"{orders.http.base_url}/query-stream", accept=DELIMITED)
        client.send(stream, json.dumps({"sql": "SELECT * FROM STATS WHERE ID = 'o1';"}).encode(), end=True)
        assert client.answer(stream).splitlines()[1] == b'["o1",1]'


@pytest.mark.parametrize(("path", "line"), [("/info", b"HTTP/1.1 200 OK"), ("/nope", b"HTTP/1.1 404 Not Found")])
def test_http_1_answers_with_a_reason_phrase(api, path, line):
    url = httpx.URL(str(api.http.base_url))
    with socket.create_connection((url.host, url.port), timeout=10) as connected:
        connected.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nConnection: close\r\n\r\n".encode())
        assert connected.makefile("rb").readline().strip() == line
