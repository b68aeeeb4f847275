"""Reads `/metrics` of all programs, and sums them up to what a person looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bifrost.clients import ksqldb
from bifrost.clients.http import Connection, HttpClient, connection_to
from bifrost.default_settings import JMX_PROGRAMS, METRICS_PROGRAMS
from bifrost.errors import BifrostError
from bifrost.settings import Settings

SCRAPE_S = 2.0
"""A program that needs longer counts as one that does not answer."""

Scrape = Callable[[], str]
"""Returns the metrics of a program as text; raises `BifrostError` if it does not answer."""


@dataclass(frozen=True, slots=True)
class Series:
    """One number of a program."""

    program: str
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A sum of series: those named `name` whose labels include `labels`. `is_count` marks what only grows."""

    group: str
    title: str
    name: str
    labels: Mapping[str, str]
    is_count: bool = False

    def total(self, series: Iterable[Series]) -> float | None:
        """Return the sum; `None` if no program has such a series."""
        found = [each.value for each in series if each.name == self.name and self.labels.items() <= each.labels.items()]
        return sum(found) if found else None


def _counts(group: str, name: str, label: str, **titles: str) -> tuple[KeyFigure, ...]:
    return tuple(KeyFigure(group, title, name, {label: value}, is_count=True) for value, title in titles.items())


KEY_FIGURES = (
    KeyFigure("Platform", "Components that run", "bifrost_component_up", {}),
    KeyFigure("Platform", "Things that have failed", "bifrost_watch_failed", {}),
    KeyFigure("Platform", "Free disk space", "bifrost_disk_free_bytes", {}),
    KeyFigure("Queries", "Running", "ksqldb_query_state", {"state": "RUNNING"}),
    KeyFigure("Queries", "In error", "ksqldb_query_state", {"state": "ERROR"}),
    KeyFigure("Queries", "Records behind", "ksqldb_query_lag_records", {}),
    KeyFigure("Queries", "Records read", "ksqldb_query_consumed_records_total", {}, is_count=True),
    KeyFigure("Queries", "Records written", "ksqldb_query_produced_records_total", {}, is_count=True),
    KeyFigure("Queries", "Records skipped", "ksqldb_query_processing_log_records_total", {}, is_count=True),
    *_counts(
        "Notifications",
        "bifrost_notifications_total",
        "outcome",
        delivered="Delivered",
        suppressed="Suppressed",
        dead_lettered="Dead letters",
        retried="Retries",
    ),
    KeyFigure("Notifications", "Records behind", "bifrost_notifications_lag_records", {}),
    KeyFigure("Records", "Generated", "bifrost_generated_records_total", {}, is_count=True),
    *_counts("Records", "bifrost_captured_records_total", "outcome", queued="Captured frames"),
    *_counts("Records", "bifrost_proxy_produced_records_total", "outcome", accepted="Produced over HTTP"),
    KeyFigure("Records", "Consumed over HTTP", "bifrost_proxy_consumed_records_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Records in", "kafka_topic_messages_in_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Bytes in", "kafka_topic_bytes_in_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Bytes out", "kafka_topic_bytes_out_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Connected databases", "debezium_connected", {}),
    KeyFigure("Kafka and Connect", "Read by sources", "kafka_connect_source_records_written_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Written by sinks", "kafka_connect_sink_records_sent_total", {}, is_count=True),
    KeyFigure("Kafka and Connect", "Failed records", "kafka_connect_record_failures_total", {}, is_count=True),
    KeyFigure("Requests", "HTTP requests", "bifrost_http_requests_total", {}, is_count=True),
    *_counts(
        "Requests", "bifrost_http_requests_total", "status", **{"500": "With status 500", "503": "With status 503"}
    ),
)


class MetricsReader:
    """Reads the programs in parallel. `scrapes` has a function by program."""

    def __init__(self, scrapes: Mapping[str, Scrape]) -> None:
        self._scrapes = scrapes
        self._threads = ThreadPoolExecutor(max_workers=max(1, len(scrapes)), thread_name_prefix="metrics")

    def read(self) -> dict[str, Any]:
        """Return the programs with their processes, and the key figures that some program has."""
        answers = dict(zip(self._scrapes, self._threads.map(_guarded, self._scrapes.values()), strict=True))
        series = [each for name, text in answers.items() if text for each in series_of(name, text)]
        stopped = {
            each.labels.get("component") for each in series if each.name == "bifrost_component_up" and not each.value
        }
        figures = ((figure, figure.total(series)) for figure in KEY_FIGURES)
        return {
            "programs": [
                {"name": name, "state": "stopped" if name in stopped else "no answer"}
                if text is None
                else {"name": name, "state": "answers", **_process(name, series)}
                for name, text in answers.items()
            ],
            "figures": [
                {"group": each.group, "title": each.title, "value": value, "is_count": each.is_count, "name": each.name}
                for each, value in figures
                if value is not None
            ],
        }


def series_of(program: str, text: str) -> list[Series]:
    """Parse a program's metrics; a text in another form has none."""
    from prometheus_client.parser import text_string_to_metric_families  # here, so that a start does not wait for it

    try:
        return [
            Series(program, sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]
    except ValueError:
        return []


def metrics_reader(settings: Settings) -> MetricsReader:
    """The reader of a target's programs; those beside ksqlDB and the console run on the embedded target only."""
    server = ksqldb.from_settings(settings, patience_s=0)
    scrapes: dict[str, Scrape] = {
        "ksqldb": lambda: server.http.get_text("/metrics", timeout_s=SCRAPE_S),
        "console": _own_metrics,
    }
    if settings.target == "embedded":
        ports = {"rest_proxy": "rest_proxy"} | {name: f"metrics_{name}" for name in METRICS_PROGRAMS}
        ports |= {name: f"jmx_{name}" for name in JMX_PROGRAMS if settings.has_jmx}
        scrapes |= {name: _scrape_of(settings, part) for name, part in ports.items()}
    return MetricsReader(scrapes)


def connection_of(settings: Settings, part: str) -> Connection:
    """How to reach a program of the embedded target; with TLS and the login of the role where it requires them."""
    url = settings.local_url(part)
    if part not in settings.tls_parts:
        return Connection(part, url, patience_s=0)
    prefix = "METRICS" if part.startswith(("metrics_", "jmx_")) else part.upper()
    return connection_to(settings, part, url, prefix, patience_s=0)


def _scrape_of(settings: Settings, part: str) -> Scrape:
    http = HttpClient(connection_of(settings, part))
    return lambda: http.get_text("/metrics", timeout_s=SCRAPE_S)


def _own_metrics() -> str:
    from bifrost.metrics.exposition import exposition  # here, so that a start does not wait for the import

    return exposition("")[0].decode()


def _guarded(scrape: Scrape) -> str | None:
    try:
        return scrape()
    except BifrostError:
        return None


def _process(program: str, series: Iterable[Series]) -> dict[str, float | None]:
    own = {each.name: each.value for each in series if each.program == program and not each.labels}
    return {
        "cpu_s": own.get("process_cpu_seconds_total"),
        "memory_bytes": own.get("process_resident_memory_bytes"),
        "threads": own.get("process_threads"),
        "started_s": own.get("process_start_time_seconds"),
    }
