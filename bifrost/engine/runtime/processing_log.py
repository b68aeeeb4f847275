"""The processing log: every record that could not be read, processed or written, with its position and the reason.

Entries go to the topic `<service id>ksql_processing_log` in ksqlDB's format and are counted by query; a query
continues after a bad record.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Protocol

import orjson
from confluent_kafka import KafkaError, KafkaException, Message

from bifrost.clients.log_rate_limit import LogRateLimit
from bifrost.engine.runtime.cluster import Cluster
from bifrost.errors import RemoteError

_MOST_RECORD_BYTES = 64 * 1024
_MOST_TEXT = 16 * 1024
_log = logging.getLogger(__name__)
_log.addFilter(LogRateLimit(time.monotonic))


class LogKind(IntEnum):
    """The kinds of problems with a record; the numbers are ksqlDB's."""

    DESERIALIZATION = 0
    PROCESSING = 1
    PRODUCTION = 2
    SERIALIZATION = 3


_BODIES = {
    LogKind.DESERIALIZATION: "deserializationError",
    LogKind.PROCESSING: "recordProcessingError",
    LogKind.PRODUCTION: "productionError",
    LogKind.SERIALIZATION: "serializationError",
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One problem. `logger` names the step (`CSAS_X_1.KsqlTopic.Source`), `record` has the unreadable bytes."""

    kind: LogKind
    logger: str
    problem: str
    topic: str = ""
    partition: int = -1
    offset: int = -1
    record: bytes | None = None


class LogSink(Protocol):
    """The destination of entries."""

    def prepare(self, topic: str) -> None:
        """Creates the topic if it is missing."""

    def produce(self, topic: str, value: bytes) -> None:
        """Queues a record without blocking and without raising."""


class LogTopic:
    """Writes entries to Kafka in the background. Entries that the broker does not take are dropped, with a log line."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._producer = cluster.producer(linger_ms=50)

    def prepare(self, topic: str) -> None:
        """Creates the topic if it is missing; logs a warning if that fails."""
        try:
            self._cluster.create_topic(topic, 1, {"cleanup.policy": "delete"})
        except RemoteError as error:
            _log.warning("processing log: topic %s not created, entries are lost: %s", topic, error)

    def produce(self, topic: str, value: bytes) -> None:
        """Queues a record; logs a warning if the broker does not take it."""
        try:
            self._producer.produce(topic, value, on_delivery=_delivered)
            self._producer.poll(0)
        except (BufferError, KafkaException) as error:
            _log.warning("processing log: entry lost: %s", error)


def _delivered(error: KafkaError | None, message: Message) -> None:
    if error is not None:
        _log.warning("processing log: entry lost: %s: %s", message.topic(), error.str())


@dataclass(frozen=True, slots=True)
class LogCount:
    """The number of entries of a query, in all and by kind, and the last one with its time (epoch ms)."""

    by_kind: Mapping[LogKind, int]
    last: LogEntry | None
    last_ms: int | None

    @property
    def entries(self) -> int:
        """The number of entries."""
        return sum(self.by_kind.values())


class ProcessingLog:
    """Counts entries by query id and writes them to a topic. Thread-safe."""

    def __init__(self, service_id: str, sink: LogSink | None, now_ms: Callable[[], int]) -> None:
        self.topic = f"{service_id}ksql_processing_log"
        self._sink = sink
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[LogKind]] = {}
        self._last: dict[str, tuple[LogEntry, int]] = {}

    def prepare(self) -> None:
        """Creates the topic, so that no query has to do it while it processes records."""
        if self._sink is not None:
            self._sink.prepare(self.topic)

    def record(self, query_id: str, entry: LogEntry) -> None:
        """Counts and writes an entry; a large record or text is cut, so that the broker takes the entry."""
        now = self._now_ms()
        entry = _cut(entry)
        with self._lock:
            self._counts.setdefault(query_id, Counter())[entry.kind] += 1
            self._last[query_id] = (entry, now)
        if self._sink is not None:
            self._sink.produce(self.topic, orjson.dumps(_as_json(entry, now)))

    def count(self, query_id: str) -> LogCount:
        """Returns what was logged for a query so far."""
        with self._lock:
            entry, when = self._last.get(query_id, (None, None))
            return LogCount(dict(self._counts.get(query_id, {})), entry, when)


def _cut(entry: LogEntry) -> LogEntry:
    record, problem = entry.record, entry.problem
    if len(problem) > _MOST_TEXT:
        problem = f"{problem[:_MOST_TEXT]}... ({len(problem):,} characters)"
    if record is not None and len(record) > _MOST_RECORD_BYTES:
        problem += f" (the record of {len(record):,} bytes is cut to {_MOST_RECORD_BYTES:,})"
        record = record[:_MOST_RECORD_BYTES]
    return replace(entry, record=record, problem=problem)


def _as_json(entry: LogEntry, now_ms: int) -> dict[str, Any]:
    message: dict[str, Any] = {"type": int(entry.kind), **dict.fromkeys(_BODIES.values())}
    message[_BODIES[entry.kind]] = {
        "target": "value",
        "errorMessage": entry.problem,
        "recordB64": base64.b64encode(entry.record).decode() if entry.record is not None else None,
        "cause": [],
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
    }
    return {"level": "ERROR", "logger": f"processing.{entry.logger}", "time": now_ms, "message": message}
