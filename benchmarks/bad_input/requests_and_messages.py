"""Bad HTTP requests to every server, statements that must be refused, and messages to the bot."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Mapping, Sequence

import requests

from benchmarks.bad_input.ledger import Ledger
from benchmarks.fuzz.http_samples import (
    ANSWER_S,
    CONSOLE,
    DOCUMENTED,
    KSQLDB,
    REST_PROXY,
    Sample,
    answer_of,
    damaged_http_2,
    damaged_request,
    request,
)
from benchmarks.fuzz.language import STATEMENTS
from benchmarks.fuzz.mutation import TEXTS
from benchmarks.fuzz.trial import Finding

REGISTRY_JSON = "application/vnd.schemaregistry.v1+json"
REGISTRY: Sequence[Sample] = (
    (
        "POST",
        "/subjects/bad-input-value/versions",
        "application/vnd.schemaregistry.v1+json",
        {"schema": '{"type": "oops"}'},
    ),
    ("POST", "/subjects/bad-input-value", "application/vnd.schemaregistry.v1+json", {"schema": '"string"'}),
    ("POST", "/compatibility/subjects/ratings-value/versions/latest", "application/json", {"schema": '"int"'}),
    ("GET", "/schemas/ids/1", "", None),
    ("GET", "/subjects/ratings-value/versions/latest", "", None),
)
REFUSED = (
    "SELECT * FROM NO_SUCH_SOURCE EMIT CHANGES;",
    "CREATE STREAM S1 AS SELECT NO_SUCH_COLUMN FROM RATINGS EMIT CHANGES;",
    "CREATE TABLE T1 AS SELECT USER_ID, COUNT(*) FROM RATINGS EMIT CHANGES;",
    "CREATE STREAM S1 (A INT, A INT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');",
    "CREATE STREAM S1 (A INT) WITH (KAFKA_TOPIC='x', PARTITIONS=0, VALUE_FORMAT='JSON');",
    "CREATE STREAM S1 (A INT) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='YAML');",
    "CREATE STREAM S1 (A MAP<INT, INT>) WITH (KAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='DELIMITED');",
    "CREATE STREAM S1 WITH (KAFKA_TOPIC='no_such_topic', VALUE_FORMAT='AVRO');",
    "CREATE TABLE T1 AS SELECT STARS, COUNT(*) FROM RATINGS WINDOW TUMBLING (SIZE 0 SECONDS) GROUP BY STARS;",
    "INSERT INTO RATINGS (STARS) VALUES ('many');",
    "DROP STREAM NO_SUCH_STREAM;",
    "DROP STREAM RATINGS;",
    "TERMINATE NO_SUCH_QUERY;",
    "SET 'auto.offset.reset' = 'earlist';",
    "SET 'no.such.property' = '1';",
    "CREATE STREAM S1 AS SELECT " + "(" * 500 + "1" + ")" * 500 + " FROM RATINGS;",
    "SELECT ' FROM;",
    "${x}",
    ";;",
    "\0",
    "CREATE STREAM S1 AS SELECT UCASE(STARS) AS A FROM RATINGS EMIT CHANGES;",
    "CREATE STREAM S1 AS SELECT CAST('x' AS INT) + 'y' AS A FROM RATINGS EMIT CHANGES;",
    *STATEMENTS[:3],
)
FOREIGN = ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Host": "127.0.0.1.evil.example:80"})
REQUESTS_PER_ROUND = 12
REPLY_S = 60.0
FIRST_CHAT = 900_000_000


class HttpRequests:
    """Damaged requests to the servers, over HTTP/1.1, and over HTTP/2 to ksqlDB; each gets an answer, or is cut off."""

    def __init__(self, endpoints: Mapping[str, str], ledger: Ledger) -> None:
        self._ledger, self._endpoints = ledger, endpoints
        self._servers = {
            "ksqlDB": (endpoints["ksqldb"], [sample for sample in KSQLDB if "/terminate" not in sample[1]]),
            "REST proxy": (endpoints["rest_proxy"], REST_PROXY),
            "console": (endpoints["console"], [sample for sample in CONSOLE if not _changes_the_bot(sample)]),
            "registry": (endpoints["schema_registry"], REGISTRY),
        }

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Send damaged requests to each server, some from foreign hosts and pages, and frames of HTTP/2."""
        for server, (url, samples) in self._servers.items():
            for _ in range(REQUESTS_PER_ROUND):
                method, path, kind, body = rng.choice(samples)
                self._exchange(f"HTTP: {server}", url, damaged_request(rng, method, path, kind, body))
            if server != "registry":
                self._foreign(server, url, samples, rng)
        for _ in range(REQUESTS_PER_ROUND // 2):
            self._frames(self._servers["ksqlDB"][0], damaged_http_2(rng, self._servers["ksqlDB"][1])[1])

    def _exchange(self, kind: str, url: str, sent: bytes) -> None:
        try:
            answer = answer_of(url, sent)
        except (Finding, OSError) as error:
            self._ledger.wrong(kind, f"{error}: {sent[:200]!r}")
            return
        status = answer[9:12].decode("ascii", "replace") if answer.startswith(b"HTTP/1.") else ""
        if status.startswith("5") and not any(text in answer for text in DOCUMENTED):
            self._ledger.wrong(kind, f"{answer[:300]!r} for {sent[:300]!r}")
        else:
            self._ledger.settled(kind, f"HTTP {status[0]}xx" if status else "connection closed or request incomplete")

    def _foreign(self, server: str, url: str, samples: Sequence[Sample], rng: random.Random) -> None:
        method, path, kind, body = rng.choice(samples)
        headers = {"Content-Type": kind or "text/plain", **rng.choice(FOREIGN)}
        data = None if body is None else json.dumps(body)
        name = f"HTTP: {server}, foreign Host or Origin"
        try:
            answer = requests.request(method, url + path, data=data, headers=headers, timeout=ANSWER_S)
        except requests.RequestException as error:
            self._ledger.wrong(name, str(error))
            return
        if answer.status_code == 403:
            self._ledger.settled(name, "HTTP 403")
        else:
            self._ledger.wrong(name, f"{answer.status_code} for {method} {path} {headers}")

    def _frames(self, url: str, sent: bytes) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        answered = b""
        with socket.create_connection((host, int(port)), timeout=ANSWER_S) as connection:
            connection.settimeout(1.0)
            try:
                connection.sendall(sent)
                while part := connection.recv(65_536):
                    answered += part
            except OSError:
                pass  # the server closed the connection, or waits for the rest of a damaged frame
        self._ledger.settled("HTTP/2: ksqlDB", "frames received" if answered else "connection closed or incomplete")

    def collect(self) -> None:
        """The servers must still serve."""
        for server, (url, _) in self._servers.items():
            path = {"ksqlDB": "/info", "REST proxy": "/topics", "console": "/healthz", "registry": "/subjects"}[server]
            answer = answer_of(url, request("GET", path, "", b""))
            if b" 200 " not in answer[:20]:
                self._ledger.wrong(f"HTTP: {server}", f"GET {path} answers {answer[:200]!r}")

    def close(self) -> None:
        """Nothing is open."""


def _changes_the_bot(sample: Sample) -> bool:
    """Whether a sample would take the bot's updates, or make the inbox fail on purpose."""
    return any(name in sample[1] for name in ("getUpdates", "setWebhook", "faults"))


class Statements:
    """Statements that must be refused: with an error of the client that has a message."""

    def __init__(self, endpoints: Mapping[str, str], ledger: Ledger) -> None:
        self._url, self._ledger = endpoints["ksqldb"], ledger

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Send some statements, and some with a word that statements stumble over."""
        for _ in range(8):
            text = rng.choice(REFUSED)
            if rng.random() < 0.3:
                text = rng.choice(REFUSED[:4]).replace(" ", f" {rng.choice(TEXTS)} ", 1).replace("CREATE", "CREATED", 1)
            self._post(text)

    def _post(self, text: str) -> None:
        kind = "statement"
        body = json.dumps({"ksql": text, "streamsProperties": {}})
        try:
            answer = requests.post(f"{self._url}/ksql", data=body, headers={"Accept": "application/json"}, timeout=60)
        except requests.RequestException as error:
            self._ledger.wrong(kind, f"{error} for {text[:200]!r}")
            return
        found = answer.json()
        if 400 <= answer.status_code < 500 and found.get("message"):
            self._ledger.settled(kind, f"HTTP {answer.status_code}")
        elif answer.status_code == 200 and found == []:
            self._ledger.settled(kind, "no statement in the text")
        else:
            self._ledger.wrong(kind, f"{answer.status_code} {answer.text[:200]} for {text[:200]!r}")

    def collect(self) -> None:
        """Everything is settled when it is sent."""

    def close(self) -> None:
        """Nothing is open."""


class BotMessages:
    """Messages that people write to the bot: each is refused by the chat, or gets a reply."""

    def __init__(self, endpoints: Mapping[str, str], ledger: Ledger) -> None:
        self._url, self._ledger = f"{endpoints['console']}/api/telegram/messages", ledger
        self._chat = FIRST_CHAT + int(time.time()) % 10**8

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Write messages, each in a separate chat."""
        commands = ("", "/watch ", "/unwatch ", "/list ", "/start ", "/nothing ", "/watch '", "a4:83:e7:")
        for _ in range(6):
            self._chat += 1
            text = rng.choice(commands) + rng.choice(TEXTS)
            body = json.dumps({"chat_id": self._chat, "text": text})
            answer = requests.post(self._url, data=body, headers={"Content-Type": "application/json"}, timeout=30)
            if answer.status_code == 201:
                self._ledger.expect("bot: message", ("chat", self._chat), repr(text[:80]))
            elif 400 <= answer.status_code < 500:
                self._ledger.settled("bot: message", f"HTTP {answer.status_code}")
            else:
                self._ledger.wrong("bot: message", f"{answer.status_code} for {text[:80]!r}")

    def collect(self) -> None:
        """Settle the messages that got a reply."""
        for mark in self._ledger.awaited():
            if isinstance(mark, tuple) and mark[0] == "chat":
                lines = requests.get(self._url, params={"chat_id": str(mark[1])}, timeout=30).json()
                if any(line["from"] == "bot" for line in lines):
                    self._ledger.settle(mark, "reply")

    def close(self) -> None:
        """Nothing is open."""
