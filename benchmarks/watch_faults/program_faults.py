"""Faults of queries, services, and of the programs that all of them need."""

from __future__ import annotations

import signal
import threading
import time
import uuid
from collections.abc import Iterator

from benchmarks.own_platform import OwnPlatform
from benchmarks.watch_faults.fault import Expected, Fault, killed, signal_component, suspended
from bifrost.clients import kafka, ksqldb
from bifrost.clients.kafka import TopicDescription

_FIRST_S = 10.0
_CRASHES_S = 45.0
KINDS = {
    "filter": "CREATE STREAM {sink} AS SELECT * FROM {source} WHERE A > 0;",
    "aggregate": "CREATE TABLE {sink} AS SELECT A, COUNT(*) AS N FROM {source} GROUP BY A;",
    "join": "CREATE STREAM {sink} AS SELECT L.A, R.A AS B FROM {source} L "
    "JOIN {source}_R R WITHIN 1 HOUR ON L.A = R.A;",
}


class QueryFaults:
    """Queries of the benchmark, one of each kind: their topics are removed and created again."""

    def __init__(self, platform: OwnPlatform) -> None:
        self._settings = platform.settings
        self._admin = kafka.admin(platform.settings)
        self._run = uuid.uuid4().hex[:6].upper()

    def all(self) -> Iterator[Fault]:
        """Each kind of query without what it reads, and without what it writes."""
        for kind, text in KINDS.items():
            for removed in ("source", "sink"):
                yield self._fault(kind, text, removed)

    def _fault(self, kind: str, text: str, removed: str) -> Fault:
        names = {name: f"WATCHED_{kind}_{removed}_{name}_{self._run}".upper() for name in ("source", "sink")}
        self._create(names["source"])
        with ksqldb.from_settings(self._settings) as client:
            columns = f"(A INT) WITH (KAFKA_TOPIC='{names['source']}', VALUE_FORMAT='JSON')"
            for stream in (names["source"], f"{names['source']}_R"):
                client.execute(f"CREATE STREAM {stream} {columns};")
            client.execute(text.format(**names))
            (query,) = (query.id for query in client.queries() if names["sink"] in query.sinks)
        topic = names[removed]
        return Fault(
            f"{kind} query",
            f"{removed} topic removed",
            f"query {query}",
            query,
            lambda: self._remove(topic, names["source"]),
            lambda: self._create(topic),
        )

    def _create(self, topic: str) -> None:
        self._admin.create(TopicDescription(topic, 1, 1))

    def _remove(self, topic: str, source: str) -> None:
        self._admin.delete(topic)
        if topic != source:  # what a query writes is missed when it has something to write
            producer = kafka.producer(self._settings.kafka_client())
            producer.produce(source, b'{"A": 1}')
            producer.flush(_FIRST_S)


def service_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Three ways to break each service that answers or notifies on Telegram."""
    for name in ("wifi_telegram_bot", "wifi_telegram_alerts"):
        yield killed(platform, name, name, "service")
        yield suspended(platform, name, name, f"service {name}")
        yield Fault(
            name,
            "crashes again and again",
            f"service {name}",
            name,
            lambda name=name: _crash(platform, name),  # type: ignore[misc]  # bound in the loop
            lambda: None,
        )


def shared_faults(platform: OwnPlatform) -> Iterator[Fault]:
    """Faults of what delivers the messages, or runs everything: one after another, with nothing else broken."""
    supervisor = platform.supervisor
    yield killed(platform, "alerts", "alerts", "service")
    yield suspended(platform, "alerts", "alerts", "service alerts")
    yield Fault(
        "alerts",
        "Slack unavailable",
        "component console",
        "console",
        lambda: supervisor.stop("console"),
        lambda: supervisor.start("console", wait_s=60),
        Expected.REPORTED_LATER,
    )
    yield killed(platform, "engine", "ksqldb", "component")
    yield suspended(platform, "engine", "ksqldb", "component ksqldb")
    yield killed(platform, "connect", "connect", "component")
    yield suspended(platform, "connect", "connect", "component connect")


def _crash(platform: OwnPlatform, name: str) -> None:
    """Kill a service whenever it runs, for a while, in the background."""

    def crash() -> None:
        end = time.monotonic() + _CRASHES_S
        while time.monotonic() < end:
            signal_component(platform, name, signal.SIGKILL)
            time.sleep(0.2)

    threading.Thread(target=crash, daemon=True).start()
