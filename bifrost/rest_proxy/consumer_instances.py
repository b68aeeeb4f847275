"""Consumer instances: created by one request, used by later ones, closed when deleted or idle."""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from bifrost.clients.consumer_group import Record
from bifrost.errors import Refused, RemoteError
from bifrost.metrics.families import Counter
from bifrost.rest_proxy.formats import FORMATS, Format, Schemas, from_bytes, require_object
from bifrost.rest_proxy.proxied_consumer import ProxiedConsumer
from bifrost.rest_proxy.proxy_error import (
    BAD_CONSUMER,
    FORMAT_MISMATCH,
    INSTANCE_EXISTS,
    INSTANCE_NOT_FOUND,
    KAFKA_ERROR,
    TOO_MANY_INSTANCES,
    ProxyError,
)

CONSUMED = Counter("bifrost_proxy_consumed_records_total", "Records that consumer instances have read")

IDLE_TIMEOUT_S = 300.0
"""An unused consumer is closed after this time, so that others get its partitions."""
MAX_INSTANCES = 500
"""Limit of open consumers: each has its own threads and connections."""
DEFAULT_READ_TIMEOUT_S = 1.0
MAX_READ_TIMEOUT_S = 30.0
MAX_BYTES = 64 * 1024 * 1024
# Kafka's limit for the names of topics.
MAX_NAME_LENGTH = 249
# `smallest` and `largest` are the names of Kafka's old consumer, which v1 clients send.
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


OpenConsumer = Callable[[str, str, bool], ProxiedConsumer]
"""Creates a consumer for (group, auto.offset.reset, auto-commit)."""


@dataclass(slots=True)
class _Instance:
    consumer: ProxiedConsumer
    format: Format
    used_at: float
    timeout_s: float
    min_bytes: int
    lock: threading.Lock = field(default_factory=threading.Lock)


class ConsumerInstances:
    """All consumer instances of this proxy, by group and name. Thread-safe."""

    def __init__(self, open_consumer: OpenConsumer, schemas: Schemas, *, clock: Callable[[], float]) -> None:
        """Wire the parts; `clock` returns seconds since any fixed moment."""
        self._open = open_consumer
        self._schemas = schemas
        self._clock = clock
        self._instances: dict[tuple[str, str], _Instance] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def create(self, group: str, body: object) -> str:
        """Create an instance and return its name.

        Raises:
            ProxyError: the request is invalid, the name is in use, or there are too many instances.
        """
        request = require_object(body, "the request")
        unknown = sorted(request.keys() - _FIELDS)
        if unknown:
            raise ProxyError(422, f"Unrecognized field: {unknown[0]}")
        format_ = cast("Format", _option(request, "format", "binary", {name: name for name in FORMATS}))
        reset = _option(request, "auto.offset.reset", "latest", RESETS)
        auto_commit = _option(request, "auto.commit.enable", "true", BOOLEANS) == "true"
        timeout_s = _integer_option(request, "consumer.request.timeout.ms", int(DEFAULT_READ_TIMEOUT_S * 1000)) / 1000
        min_bytes = max(_integer_option(request, "fetch.min.bytes", 1), 1)
        name = _name(request) or f"rest-consumer-{next(self._numbers)}"
        with self._lock:
            if (group, name) in self._instances:
                raise ProxyError(*INSTANCE_EXISTS)
            if len(self._instances) >= MAX_INSTANCES:
                raise ProxyError(*TOO_MANY_INSTANCES)
            # Within the lock: two requests must not both pass the checks above.
            consumer = self._open(group, reset, auto_commit)
            self._instances[group, name] = _Instance(consumer, format_, self._clock(), timeout_s, min_bytes)
        return name

    def delete(self, group: str, name: str) -> None:
        """Close an instance.

        Raises:
            ProxyError: the instance does not exist.
        """
        with self._lock:
            instance = self._instances.pop((group, name), None)
        if instance is None:
            raise ProxyError(*INSTANCE_NOT_FOUND)
        # Without the lock of all instances: a read may be in progress, for up to 30 s.
        with instance.lock:
            instance.consumer.close()

    @contextmanager
    def consumer(self, group: str, name: str) -> Iterator[ProxiedConsumer]:
        """Lend the consumer of an instance to one request at a time.

        Raises:
            ProxyError: the instance does not exist, or Kafka refuses (`KAFKA_ERROR`).
        """
        with self._locked(group, name) as instance:
            try:
                yield instance.consumer
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
        """Return the next records; a `topic` replaces the subscription (v1).

        A record in another format than the instance's is reported once it is the next one, and then skipped.

        Raises:
            ProxyError: the instance does not exist or has another format, or the next record has another format.
        """
        with self._locked(group, name) as instance:
            consumer = instance.consumer
            if format_ is not None and format_ != instance.format:
                raise ProxyError(*FORMAT_MISMATCH)
            if topic and consumer.topics != (topic,):
                consumer.subscribe([topic])
            if not consumer.has_input:
                raise ProxyError(KAFKA_ERROR, "Consumer is not subscribed to any topics or assigned any partitions")
            wait_s = min(instance.timeout_s if timeout_s is None else timeout_s, MAX_READ_TIMEOUT_S)
            try:
                records = consumer.records(wait_s, max_bytes, instance.min_bytes)
                CONSUMED.add(by=len(records))
            except Refused as error:
                raise ProxyError(KAFKA_ERROR, error.problem) from error
            return self._decode(consumer, records, instance.format)

    def close_idle(self) -> None:
        """Close the instances that have been idle for too long."""
        oldest = self._clock() - IDLE_TIMEOUT_S
        with self._lock:
            idle = [key for key, instance in self._instances.items() if instance.used_at < oldest]
        for group, name in idle:
            _log.info("closing consumer %s of group %s after %.0f s without a request", name, group, IDLE_TIMEOUT_S)
            with suppress(ProxyError):  # deleted meanwhile
                self.delete(group, name)

    def close(self) -> None:
        """Close all instances."""
        for group, name in list(self._instances):
            with suppress(ProxyError):
                self.delete(group, name)

    @contextmanager
    def _locked(self, group: str, name: str) -> Iterator[_Instance]:
        with self._lock:
            instance = self._instances.get((group, name))
        if instance is None:
            raise ProxyError(*INSTANCE_NOT_FOUND)
        # A consumer serves one request at a time; a second request waits.
        with instance.lock:
            instance.used_at = self._clock()
            if self._instances.get((group, name)) is not instance:  # deleted while this request waited
                raise ProxyError(*INSTANCE_NOT_FOUND)
            try:
                yield instance
            finally:
                instance.used_at = self._clock()

    def _decode(self, consumer: ProxiedConsumer, records: Sequence[Record], format_: Format) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for index, record in enumerate(records):
            try:
                key = from_bytes(format_, record.key, self._schemas)
                value = from_bytes(format_, record.value, self._schemas)
            except ValueError as error:
                # After good records, the wrong one is read again and reported next time; as the first one, it is
                # reported now and skipped.
                consumer.rewind(records[index:] if found else records[index + 1 :])
                if found:
                    break
                raise ProxyError(KAFKA_ERROR, f"{record} is not {format_}: {error}") from error
            except RemoteError:
                # The registry does not answer: nothing was returned yet, so nothing may be skipped.
                consumer.rewind(records)
                raise
            found.append(
                {
                    "topic": record.topic,
                    "key": key,
                    "value": value,
                    "partition": record.partition,
                    "offset": record.offset,
                }
            )
        return found


def _option(request: Mapping[str, Any], name: str, default: str, known: Mapping[str, str]) -> str:
    value = request.get(name, default)
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str) or value not in known:
        raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {name} must be one of {', '.join(known)}")
    return known[value]


def _name(request: Mapping[str, Any]) -> str:
    """Return the requested name of an instance, `""` if there is none."""
    for key in ("name", "id"):
        value = request.get(key)
        if value is None or value == "":
            continue
        # The name is a segment of the instance's path.
        if not isinstance(value, str) or len(value) > MAX_NAME_LENGTH or "/" in value:
            limits = f"{key} must be a string of up to {MAX_NAME_LENGTH} characters without '/'"
            raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {limits}")
        return value
    return ""


def _integer_option(request: Mapping[str, Any], name: str, default: int) -> int:
    value = request.get(name, default)
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
        raise ProxyError(BAD_CONSUMER, f"Invalid consumer configuration: {name} must be an integer")
    return int(value) if int(value) >= 0 else default
