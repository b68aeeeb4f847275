"""Consumer instances: made by one request, read by others, gone when deleted or when nobody comes back."""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused
from bifrost.rest_proxy.formats import FORMATS, Format, Schemas, from_bytes, mapping
from bifrost.rest_proxy.proxied_consumer import Partition
from bifrost.rest_proxy.proxy_error import (
    BAD_CONSUMER,
    FORMAT_MISMATCH,
    INSTANCE_EXISTS,
    INSTANCE_NOT_FOUND,
    KAFKA_ERROR,
    TOO_MANY_INSTANCES,
    ProxyError,
)

IDLE_TIMEOUT_S = 300.0
"""A consumer that nobody asked for so long is closed: its partitions go to others."""
MAX_INSTANCES = 500
"""Consumers at one time; each has threads and a connection of its own."""
TIMEOUT_S = 1.0
LONGEST_TIMEOUT_S = 30.0
MAX_BYTES = 64 * 1024 * 1024
RESETS = {"earliest": "earliest", "latest": "latest", "smallest": "earliest", "largest": "latest"}
BOOLEANS = {"true": "true", "false": "false"}
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
    """What is needed of a Kafka consumer (`bifrost.rest_proxy.proxied_consumer.ProxiedConsumer`)."""

    topics: tuple[str, ...]
    pattern: str
    is_manually_assigned: bool

    @property
    def has_input(self) -> bool:
        """Whether it was told what to read."""
        ...

    def subscribe(self, topics: Sequence[str]) -> None:
        """Read these topics."""
        ...

    def subscribe_pattern(self, pattern: str) -> None:
        """Read the topics that a regular expression describes."""
        ...

    def assign(self, places: Sequence[Partition]) -> None:
        """Read these partitions."""
        ...

    def unsubscribe(self) -> None:
        """Read nothing."""
        ...

    def assignment(self) -> list[Partition]:
        """What it reads now."""
        ...

    def seek(self, places: Mapping[Partition, int]) -> None:
        """Go on at these offsets."""
        ...

    def bounds(self, places: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """First and next offset of partitions that it reads."""
        ...

    def records(self, timeout_s: float, max_bytes: int, min_bytes: int) -> list[Record]:
        """What is there."""
        ...

    def rewind(self, records: Sequence[Record]) -> None:
        """Let records be read again."""
        ...

    def commit(self, places: Mapping[Partition, int] | None = None) -> None:
        """Let the group stand here."""
        ...

    def committed(self, places: Sequence[Partition]) -> dict[Partition, int]:
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
    timeout_s: float
    min_bytes: int
    lock: threading.Lock = field(default_factory=threading.Lock)


class ConsumerInstances:
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
            ProxyError: the request is wrong, there is one of that name, or there are too many.
        """
        request = mapping(body, "the request")
        unknown = sorted(request.keys() - _FIELDS)
        if unknown:
            raise ProxyError(422, f"Unrecognized field: {unknown[0]}")
        format_ = cast("Format", _chosen(request, "format", "binary", {name: name for name in FORMATS}))
        reset = _chosen(request, "auto.offset.reset", "latest", RESETS)
        auto_commit = _chosen(request, "auto.commit.enable", "true", BOOLEANS) == "true"
        timeout_s = _whole(request, "consumer.request.timeout.ms", int(TIMEOUT_S * 1000)) / 1000
        min_bytes = max(_whole(request, "fetch.min.bytes", 1), 1)
        name = str(request.get("name") or request.get("id") or f"rest-consumer-{next(self._numbers)}")
        with self._lock:
            if (group, name) in self._instances:
                raise ProxyError(*INSTANCE_EXISTS)
            if len(self._instances) >= MAX_INSTANCES:
                raise ProxyError(*TOO_MANY_INSTANCES)
            reader = self._open(group, reset, auto_commit)
            self._instances[group, name] = _Instance(reader, format_, self._clock(), timeout_s, min_bytes)
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

    @contextmanager
    def reader(self, group: str, name: str) -> Iterator[Reader]:
        """The reader of an instance, for one request at a time.

        Raises:
            ProxyError: there is no such instance, or its reader refuses (`KAFKA_ERROR`).
        """
        with self._used(group, name) as instance:
            try:
                yield instance.reader
            except Refused as error:
                raise ProxyError(KAFKA_ERROR, error.problem) from error

    def read(
        self,
        group: str,
        name: str,
        format_: Format | None,
        *,
        timeout_s: float | None = None,
        max_bytes: int = MAX_BYTES,
        topic: str = "",
    ) -> list[dict[str, Any]]:
        """The next records; with a `topic` it is read instead of what was read before (v1).

        A record that is not in the instance's format is told when it is the next one, and left behind then.

        Raises:
            ProxyError: there is no such instance, it has another format, or the next record is not in its format.
        """
        with self._used(group, name) as instance:
            reader = instance.reader
            if format_ is not None and format_ != instance.format:
                raise ProxyError(*FORMAT_MISMATCH)
            if topic and reader.topics != (topic,):
                reader.subscribe([topic])
            if not reader.has_input:
                raise ProxyError(KAFKA_ERROR, "Consumer is not subscribed to any topics or assigned any partitions")
            wait_s = min(instance.timeout_s if timeout_s is None else timeout_s, LONGEST_TIMEOUT_S)
            try:
                records = reader.records(wait_s, max_bytes, instance.min_bytes)
            except Refused as error:
                raise ProxyError(KAFKA_ERROR, error.problem) from error
            return self._shown(reader, records, instance.format)

    def close_idle(self) -> None:
        """Close the instances that nobody asked for too long."""
        oldest = self._clock() - IDLE_TIMEOUT_S
        with self._lock:
            idle = [place for place, instance in self._instances.items() if instance.used_at < oldest]
        for group, name in idle:
            _log.info("consumer %s of group %s was not used for %.0f s and is closed", name, group, IDLE_TIMEOUT_S)
            with suppress(ProxyError):  # deleted meanwhile
                self.delete(group, name)

    def close(self) -> None:
        """Close all instances."""
        for group, name in list(self._instances):
            with suppress(ProxyError):
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

    def _shown(self, reader: Reader, records: Sequence[Record], format_: Format) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []
        for place, record in enumerate(records):
            try:
                key = from_bytes(format_, record.key, self._schemas)
                value = from_bytes(format_, record.value, self._schemas)
            except ValueError as error:
                reader.rewind(records[place:] if shown else records[place + 1 :])
                if shown:
                    break
                raise ProxyError(KAFKA_ERROR, f"{record} is not {format_}: {error}") from error
            shown.append(
                {
                    "topic": record.topic,
                    "key": key,
                    "value": value,
                    "partition": record.partition,
                    "offset": record.offset,
                }
            )
        return shown


def _chosen(request: Mapping[str, Any], name: str, default: str, known: Mapping[str, str]) -> str:
    value = request.get(name, default)
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str) or value not in known:
        raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {name} must be one of {', '.join(known)}")
    return known[value]


def _whole(request: Mapping[str, Any], name: str, default: int) -> int:
    value = request.get(name, default)
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,9}", str(value)):
        raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {name} must be a whole number")
    return int(value) if int(value) >= 0 else default
