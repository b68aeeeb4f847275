"""Sample requests of the HTTP servers, damaged ones made of them, and their answers over a plain socket."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Sequence

import h2.config
import h2.connection

from benchmarks.fuzz.mutation import damaged, damaged_text, damaged_value
from benchmarks.fuzz.trial import Finding

ANSWER_S = 20.0
"""A server that has neither answered nor closed the connection by then hangs."""
DOCUMENTED = (
    b"io.vertx.core.buffer.Buffer.getBytes()",
    b"Not recognizable as ksql, streams, consumer, or producer property",
    b'"error_code":50002',
    b'"error_code":50003',
)
"""Answers with status 500 by design: ksqlDB's to an empty body or unknown property, the proxy's if Kafka refuses."""
_ANSWERS_LATE = ("/records", "timeout", "/events", "EMIT CHANGES", "getUpdates", "PRINT")
_JSON = "application/json"
KSQL = "application/vnd.ksql.v1+json"
Sample = tuple[str, str, str, object]
"""Method, path, content type and JSON body."""

KSQLDB: Sequence[Sample] = (
    ("POST", "/ksql", KSQL, {"ksql": "SHOW STREAMS EXTENDED;", "streamsProperties": {"auto.offset.reset": "earliest"}}),
    (
        "POST",
        "/ksql",
        KSQL,
        {"ksql": "DESCRIBE ${x} EXTENDED;", "sessionVariables": {"x": "S"}, "commandSequenceNumber": -1},
    ),
    ("POST", "/ksql", KSQL, {"ksql": "INSERT INTO S (K, A) VALUES ('k', 1);", "requestProperties": {}}),
    ("POST", "/query", KSQL, {"ksql": "SELECT * FROM T WHERE K = 'a';", "streamsProperties": {}}),
    ("POST", "/query", KSQL, {"ksql": "SELECT * FROM S EMIT CHANGES LIMIT 1;", "streamsProperties": {}}),
    (
        "POST",
        "/query-stream",
        _JSON,
        {"sql": "SELECT * FROM T;", "properties": {"ksql.query.pull.table.scan.enabled": True}},
    ),
    ("POST", "/close-query", _JSON, {"queryId": "abc"}),
    ("POST", "/ksql/terminate", KSQL, {"deleteTopicList": "x"}),
    ("POST", "/inserts-stream", _JSON, {"target": "S"}),
    ("GET", "/is_valid_property/ksql.streams.auto.offset.reset", "", None),
    ("GET", "/status/stream/S/create", "", None),
    ("GET", "/info", "", None),
)
REST_PROXY: Sequence[Sample] = (
    (
        "POST",
        "/topics/t",
        "application/vnd.kafka.json.v2+json",
        {"records": [{"key": 1, "value": {"a": 1}, "partition": 0}]},
    ),
    ("POST", "/topics/t", "application/vnd.kafka.binary.v2+json", {"records": [{"key": "a2V5", "value": "AAEC"}]}),
    (
        "POST",
        "/topics/t",
        "application/vnd.kafka.avro.v2+json",
        {
            "value_schema": '{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":null}]}',
            "records": [{"value": {"a": {"int": 1}}}],
        },
    ),
    (
        "POST",
        "/consumers/g",
        "application/vnd.kafka.v2+json",
        {"name": "i", "format": "json", "auto.offset.reset": "earliest"},
    ),
    ("POST", "/consumers/g/instances/i/subscription", "application/vnd.kafka.v2+json", {"topics": ["t"]}),
    (
        "POST",
        "/consumers/g/instances/i/positions",
        "application/vnd.kafka.v2+json",
        {"offsets": [{"topic": "t", "partition": 0, "offset": 0}]},
    ),
    (
        "POST",
        "/consumers/g/instances/i/offsets",
        "application/vnd.kafka.v2+json",
        {"offsets": [{"topic": "t", "partition": 0, "offset": 0}]},
    ),
    ("GET", "/topics/t/partitions/0/offsets", "", None),
    ("GET", "/consumers/g/instances/i/records?timeout=50&max_bytes=100", "", None),
)
CONSOLE: Sequence[Sample] = (
    (
        "POST",
        "/api/chat.postMessage",
        _JSON,
        {"channel": "c", "text": "t", "username": "u", "icon_emoji": ":x:", "blocks": []},
    ),
    ("POST", "/api/auth.test", "application/x-www-form-urlencoded", {"token": "x"}),
    ("POST", "/bot1/sendMessage", _JSON, {"chat_id": 1, "text": "hello", "parse_mode": "HTML"}),
    ("POST", "/bot1/getUpdates", _JSON, {"offset": 0, "limit": 1, "timeout": 0}),
    ("POST", "/bot1/setWebhook", _JSON, {"url": "", "secret_token": "s"}),
    ("POST", "/api/telegram/messages", _JSON, {"chat_id": 1, "text": "hello"}),
    ("POST", "/api/faults", _JSON, {"method": "none", "status": 500, "count": 1, "retry_after": 1}),
    ("GET", "/api/messages?since=1.5&limit=1", "", None),
    ("GET", "/telegram?chat=1", "", None),
    ("GET", "/inbox", "", None),
)
WEBHOOK: Sequence[Sample] = (
    ("POST", "/", _JSON, {"update_id": 1, "message": {"chat": {"id": 1}, "text": "hello"}}),
    ("GET", "/healthz", "", None),
)


def damaged_request(rng: random.Random, method: str, path: str, kind: str, body: object) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    match rng.randint(0, 6):
        case 0:
            return damaged(rng, request(method, path, kind, data))
        case 1:
            return request(method, path, damaged_text(rng, kind), data)
        case 2:
            return request(method, "/" + damaged_text(rng, path).lstrip("/"), kind, data)
        case 3:
            return request(method, path, kind, damaged(rng, data))
        case _:
            changed = damaged_value(rng, body)
            return request(method, path, kind, json.dumps(changed).encode("utf-8", "surrogatepass"))


def request(method: str, path: str, kind: str, body: bytes) -> bytes:
    target = path.encode("utf-8", "surrogatepass").replace(b" ", b"%20").replace(b"\r", b"").replace(b"\n", b"")
    head = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    if kind:
        head.append(b"Content-Type: " + kind.encode("utf-8", "surrogatepass").replace(b"\n", b""))
    head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def answer_of(url: str, sent: bytes) -> bytes:
    """The beginning of the answer; empty if the server closed the connection, or waits for the rest of the request."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=ANSWER_S) as connection:
        try:
            connection.sendall(sent)
            connection.settimeout(0.5 if may_wait(sent) else ANSWER_S)
            return _received(connection)
        except (ConnectionError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and not may_wait(sent):
                raise Finding(f"no answer within {ANSWER_S:.0f} s") from error
            return b""


def _received(connection: socket.socket) -> bytes:
    found = b""
    while len(found) < 4096 and (part := connection.recv(4096)):
        found += part
        if b"\r\n\r\n" in found and not found.startswith(b"HTTP/1.1 5"):
            break
    return found


def may_wait(sent: bytes) -> bool:
    """Whether the request is incomplete or ambiguous, or one that is answered late."""
    head, end, body = sent.partition(b"\r\n\r\n")
    is_whole = (
        bool(end)
        and head.count(b"HTTP/1.1\r\nHost: 127.0.0.1\r\n") == 1
        and head.endswith(b"\r\nContent-Length: %d" % len(body))
    )
    return not is_whole or any(text.encode() in sent for text in _ANSWERS_LATE)


def damaged_http_2(rng: random.Random, samples: Sequence[Sample]) -> tuple[str, bytes]:
    """What a request is called, and its frames, some of which are damaged."""
    method, path, kind, body = rng.choice(samples)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    data = b"" if body is None else json.dumps(damaged_value(rng, body)).encode("utf-8", "surrogatepass")[:16_000]
    headers = [
        (":method", method),
        (":path", path),
        (":scheme", "http"),
        (":authority", "127.0.0.1"),
        ("content-type", kind),
    ]
    connection.send_headers(stream, headers, end_stream=not data)
    for start in range(0, len(data), 7_000):
        connection.send_data(stream, data[start : start + 7_000], end_stream=start + 7_000 >= len(data))
    sent = connection.data_to_send()
    if rng.random() < 0.7:
        preface = 24
        sent = sent[:preface] + damaged(rng, sent[preface:])
    return f"HTTP/2 {method} {path}", sent
