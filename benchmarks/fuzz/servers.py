"""The HTTP servers, each served on a port: damaged requests over HTTP/1.1, and damaged frames of HTTP/2."""

from __future__ import annotations

import json
import random
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.http_samples import (
    ANSWER_S,
    CONSOLE,
    DOCUMENTED,
    KSQL,
    KSQLDB,
    REST_PROXY,
    WEBHOOK,
    Sample,
    answer_of,
    damaged_http_2,
    damaged_request,
    request,
)
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.rest_proxy.app import create_app as create_proxy
from bifrost.rest_proxy.consumer_instances import ConsumerInstances
from bifrost.rest_proxy.formats import Schemas
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from bifrost.rest_proxy.record_producer import RecordProducer
from bifrost.server.app import ServerIdentity, create_app
from services.wifi_bot.update_intake import webhook_app
from tests.engine.runtime.engines import World
from tests.fakes.console import running_console
from tests.rest_proxy.conftest import FakeRegistry, mock_cluster
from tests.rest_proxy.conftest import served as served_by_uvicorn
from tests.server.serving import served


@contextmanager
def ksqldb() -> Iterator[Fuzzer]:
    """ksqlDB's REST API over an engine on a cluster in memory; one request of four is HTTP/2."""
    world = World()
    engine = world.engine()
    try:
        with served(create_app(engine, ServerIdentity("fuzz_", "cluster", "127.0.0.1:8088"))) as url:
            create_sources(url)
            http_1 = _requests(url, KSQLDB, "/info")

            def make(rng: random.Random) -> Input:
                if rng.random() < 0.25:
                    return Input(*damaged_http_2(rng, KSQLDB))
                return http_1.make(rng)

            def feed(found: Input) -> None:
                if found.target.startswith("HTTP/2 "):
                    _send_http_2(url, found.given)
                else:
                    http_1.feed(found)

            yield Fuzzer(make, feed)
    finally:
        world.close()


def create_sources(url: str) -> None:
    """Create the stream and the table that requests name.

    Raises:
        RuntimeError: they exist.
    """
    text = (
        "CREATE STREAM S (K VARCHAR KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
        "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;"
    )
    answer = answer_of(url, request("POST", "/ksql", KSQL, json.dumps({"ksql": text}).encode()))
    if b" 200 " not in answer[:20]:
        raise RuntimeError(answer.decode("utf-8", "replace"))


@contextmanager
def rest_proxy() -> Iterator[Fuzzer]:
    """The REST proxy over librdkafka's mock of a cluster."""
    with served_rest_proxy() as url:
        yield _requests(url, REST_PROXY, "/topics")


@contextmanager
def served_rest_proxy() -> Iterator[str]:
    """The URL of a REST proxy over librdkafka's mock of a cluster."""
    with mock_cluster() as cluster:
        schemas = Schemas(cast("SchemaRegistryClient", FakeRegistry()))

        def open_consumer(group: str, reset: str, auto_commit: bool) -> ProxiedConsumer:
            return ProxiedConsumer(cluster, group, reset=reset, auto_commit=auto_commit)

        instances = ConsumerInstances(open_consumer, schemas, clock=time.monotonic)
        with served_by_uvicorn(create_proxy(RecordProducer(cluster), schemas, instances)) as client:
            yield str(client.base_url).rstrip("/")


@contextmanager
def console() -> Iterator[Fuzzer]:
    """The console with the APIs of Slack and Telegram, and the bot's webhook."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pages = stack.enter_context(running_console(folder / "inbox.sqlite", time.time))
        webhook = stack.enter_context(served_by_uvicorn(webhook_app("", lambda message: None)))
        pages_fuzzer = _requests(pages.url, CONSOLE, "/healthz")
        webhook_fuzzer = _requests(str(webhook.base_url).rstrip("/"), WEBHOOK, "/healthz")

        def make(rng: random.Random) -> Input:
            return (webhook_fuzzer if rng.random() < 0.15 else pages_fuzzer).make(rng)

        def feed(found: Input) -> None:
            (webhook_fuzzer if found.target == "POST /" else pages_fuzzer).feed(found)

        yield Fuzzer(make, feed)


def _requests(url: str, samples: Sequence[Sample], health: str) -> Fuzzer:
    def make(rng: random.Random) -> Input:
        method, path, kind, body = rng.choice(samples)
        return Input(f"{method} {path}", damaged_request(rng, method, path, kind, body))

    return Fuzzer(make, lambda found: _send(url, found.given, health))


def _send(url: str, sent: bytes, health: str) -> None:
    answer = answer_of(url, sent)
    if answer.startswith(b"HTTP/1.1 5") and not any(text in answer for text in DOCUMENTED):
        raise Finding(answer[:1000].decode("utf-8", "replace"))
    if not answer.startswith(b"HTTP/1.1 "):
        alive = answer_of(url, request("GET", health, "", b""))
        if b" 200 " not in alive[:20]:
            raise Finding(f"after the request, {health} answers {alive[:200]!r}")


def _send_http_2(url: str, sent: bytes) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=ANSWER_S) as connection:
        connection.settimeout(0.3)
        try:
            connection.sendall(sent)
            while connection.recv(65_536):
                pass
        except (TimeoutError, ConnectionError):
            pass
    alive = answer_of(url, request("GET", "/info", "", b""))
    if b" 200 " not in alive[:20]:
        raise Finding(f"after the frames, /info answers {alive[:200]!r}")
