"""Consumer instances: made by one request, read by others, gone when deleted or when nobody comes back."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused
from bifrost.rest_proxy.formats import FORMATS, Format, Schemas, from_bytes, mapping
from bifrost.rest_proxy.problems import (
    BAD_CONSUMER,
    FORMAT_MISMATCH,
    INSTANCE_EXISTS,
    INSTANCE_NOT_FOUND,
    KAFKA_ERROR,
    ProxyError,
)

IDLE_S = 300.0
"""A consumer that nobody asked for so long is closed: its partitions go to others."""
TIMEOUT_S = 1.0
LONGEST_TIMEOUT_S = 30.0
MAX_BYTES = 64 * 1024 * 1024
RESETS = {"earliest": "earliest", "latest": "latest", "smallest": "earliest", "largest": "latest"}
_FIELDS = frozenset(
    {
        "name",
        "id",
        "format",
        "auto.offset.reset",
        "auto.commit.enable",
        "fetch.min.bytes",
        "consumer.request.timeout.ms",
    }
)
_log = logging.getLogger("rest_proxy")


class Reader(Protocol):
    """What is needed of a Kafka consumer (`bifrost.clients.proxied.ProxiedConsumer`)."""

    topics: tuple[str, ...]

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics."""
        ...

    def records(self, timeout_s: float, max_bytes: int) -> list[Record]:
        """What is there."""
        ...

    def commit(self, places: Mapping[tuple[str, int], int] | None = None) -> None:
        """Let the group stand here."""
        ...

    def committed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where the group stands."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


OpenReader = Callable[[str, str, bool], Reader]
"""Makes a consumer of (group, auto.offset.reset, whether it commits by itself)."""


@dataclass(slots=True)
class _Instance:
    reader: Reader
    format: Format
    used_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Instances:
    """All consumer instances of this proxy, by group and name."""

    def __init__(self, open_reader: OpenReader, schemas: Schemas, *, clock: Callable[[], float]) -> None:
        """Wire the parts; `clock` gives seconds from any fixed moment."""
        self._open = open_reader
        self._schemas = schemas
        self._clock = clock
        self._instances: dict[tuple[str, str], _Instance] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def create(self, group: str, body: object) -> str:
        """Make an instance; its name.

        Raises:
            ProxyError: the request is wrong, or there is one of that name.
        """
        request = mapping(body, "the request")
        unknown = sorted(request.keys() - _FIELDS)
        if unknown:
            raise ProxyError(422, f"Unrecognized field: {unknown[0]}")
        format_ = _chosen(request, "format", "binary", {name: name for name in FORMATS})
        reset = _chosen(request, "auto.offset.reset", "latest", RESETS)
        commits_itself = str(request.get("auto.commit.enable", "false")).lower() == "true"
        name = str(request.get("name") or request.get("id") or f"rest-consumer-{next(self._numbers)}")
        with self._lock:
            if (group, name) in self._instances:
                raise ProxyError(*INSTANCE_EXISTS)
            reader = self._open(group, reset, commits_itself)
            self._instances[group, name] = _Instance(reader, cast("Format", format_), self._clock())
        return name

    def delete(self, group: str, name: str) -> None:
        """Close an instance.

        Raises:
            ProxyError: there is none of that name.
        """
        with self._lock:
            instance = self._instances.pop((group, name), None)
        if instance is None:
            raise ProxyError(*INSTANCE_NOT_FOUND)
        with instance.lock:
            instance.reader.close()

    def subscribe(self, group: str, name: str, topics: Sequence[str]) -> None:
        """Let an instance read these topics."""
        with self._used(group, name) as instance:
            instance.reader.subscribe(topics)

    def topics(self, group: str, name: str) -> tuple[str, ...]:
        """What an instance reads."""
        with self._used(group, name) as instance:
            return instance.reader.topics

    def read(
        self,
        group: str,
        name: str,
        format_: Format | None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
        topic: str = "",
    ) -> list[dict[str, Any]]:
        """The next records; with a `topic` it is read instead of what was read before (v1).

        Raises:
            ProxyError: there is no such instance, it has another format, or a record is not in its format.
        """
        with self._used(group, name) as instance:
            if format_ is not None and format_ != instance.format:
                raise ProxyError(*FORMAT_MISMATCH)
            if topic and instance.reader.topics != (topic,):
                instance.reader.subscribe([topic])
            if not instance.reader.topics:
                raise ProxyError(KAFKA_ERROR, "Consumer is not subscribed to any topics or assigned any partitions")
            try:
                records = instance.reader.records(min(timeout_s, LONGEST_TIMEOUT_S), max_bytes)
            except Refused as error:
                raise ProxyError(KAFKA_ERROR, error.problem) from error
            return [self._shown(record, instance.format) for record in records]

    def commit(self, group: str, name: str, places: Mapping[tuple[str, int], int] | None) -> None:
        """Let the group stand at these offsets, or behind everything that this instance has read."""
        with self._used(group, name) as instance:
            try:
                instance.reader.commit(places)
            except Refused as error:
                raise ProxyError(KAFKA_ERROR, error.problem) from error

    def committed(self, group: str, name: str, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where the group stands."""
        with self._used(group, name) as instance:
            return instance.reader.committed(places)

    def close_idle(self) -> None:
        """Close the instances that nobody asked for too long."""
        oldest = self._clock() - IDLE_S
        with self._lock:
            idle = [place for place, instance in self._instances.items() if instance.used_at < oldest]
        for group, name in idle:
            _log.info("consumer %s of group %s was not used for %.0f s and is closed", name, group, IDLE_S)
            self.delete(group, name)

    def close(self) -> None:
        """Close all instances."""
        for group, name in list(self._instances):
            self.delete(group, name)

    @contextmanager
    def _used(self, group: str, name: str) -> Iterator[_Instance]:
        with self._lock:
            instance = self._instances.get((group, name))
        if instance is None:
            raise ProxyError(*INSTANCE_NOT_FOUND)
        # A consumer is not for two requests at once; a second one waits for the first.
        with instance.lock:
            instance.used_at = self._clock()
            if self._instances.get((group, name)) is not instance:  # deleted while we waited
                raise ProxyError(*INSTANCE_NOT_FOUND)
            try:
                yield instance
            finally:
                instance.used_at = self._clock()

    def _shown(self, record: Record, format_: Format) -> dict[str, Any]:
        try:
            key = from_bytes(format_, record.key, self._schemas)
            value = from_bytes(format_, record.value, self._schemas)
        except ValueError as error:
            raise ProxyError(KAFKA_ERROR, f"{record} is not {format_}: {error}") from error
        return {
            "topic": record.topic,
            "key": key,
            "value": value,
            "partition": record.partition,
            "offset": record.offset,
        }


def _chosen(request: Mapping[str, Any], name: str, default: str, known: Mapping[str, str]) -> str:
    value = request.get(name, default)
    if not isinstance(value, str) or value not in known:
        raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {name} must be one of {', '.join(known)}")
    return known[value]
