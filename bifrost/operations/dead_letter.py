"""A dead letter: a record that a connector or an alert service could not process, with its origin and reason."""

from __future__ import annotations

from dataclasses import dataclass

from bifrost.clients.topic_records import NewRecord, StoredRecord

CONNECT_PREFIX = "__connect.errors."
SERVICE_PREFIX = "dlq."
REPLAYED_FROM = "bifrost.replayed.from"
"""The header of a record that was replayed: the letter that it came from, as `topic-partition@offset`."""


@dataclass(frozen=True, slots=True)
class LetterOrigin:
    """Where a record was read before it became a dead letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter and what its headers say; empty where they do not.

    `origin` is `None` if the headers do not name one, as with `errors.deadletterqueue.context.headers.enable=false`.
    `truncated_bytes` is the record's size if it was cut. `earlier` are the letters of which this record was a replay.
    """

    record: StoredRecord
    origin: LetterOrigin | None
    reason: str
    stage: str = ""
    exception: str = ""
    failing_class: str = ""
    connector: str = ""
    task: str = ""
    truncated_bytes: int = 0
    earlier: tuple[str, ...] = ()

    @property
    def obstacle(self) -> str:
        """Why it cannot be replayed; empty if it can."""
        if self.origin is None:
            return "its headers do not name the topic that it came from"
        if self.truncated_bytes:
            return f"it was cut ({self.truncated_bytes} bytes); the whole record is {self.origin}"
        return ""


def read_letter(record: StoredRecord) -> StoredDeadLetter:
    """The dead letter in a record of a dead-letter topic: Connect's headers (KIP-298), or those of our services."""
    headers = dict(record.headers)  # the last header of a name is the newest
    earlier = tuple(_text(value) for name, value in record.headers if name == REPLAYED_FROM)

    def value(name: str) -> str:
        return _text(headers.get(name))

    if CONNECT_PREFIX + "exception.message" in headers or CONNECT_PREFIX + "topic" in headers:
        exception = value(CONNECT_PREFIX + "exception.class.name")
        return StoredDeadLetter(
            record,
            _origin(
                value(CONNECT_PREFIX + "topic"), value(CONNECT_PREFIX + "partition"), value(CONNECT_PREFIX + "offset")
            ),
            value(CONNECT_PREFIX + "exception.message") or exception,
            value(CONNECT_PREFIX + "stage"),
            exception,
            value(CONNECT_PREFIX + "class.name"),
            value(CONNECT_PREFIX + "connector.name"),
            value(CONNECT_PREFIX + "task.id"),
            earlier=earlier,
        )
    size = value("dlq.truncated")
    return StoredDeadLetter(
        record,
        _origin(value("dlq.topic"), value("dlq.partition"), value("dlq.offset")),
        value("dlq.reason"),
        truncated_bytes=int(size[:18]) if size.isdecimal() else 0,  # however long: a cut letter is not replayed
        earlier=earlier,
    )


def replayed_record(letter: StoredDeadLetter, topic: str, partition: int | None) -> NewRecord:
    """The record as it was, with its time and headers, and a header that names the letter."""
    record = letter.record
    own = tuple(
        (name, value) for name, value in record.headers if not name.startswith((CONNECT_PREFIX, SERVICE_PREFIX))
    )
    marked = (*own, (REPLAYED_FROM, str(record).encode()))
    return NewRecord(topic, partition, record.timestamp_ms, record.key, record.value, marked)


def _origin(topic: str, partition: str, offset: str) -> LetterOrigin | None:
    number, at = _number(partition), _number(offset)
    return None if not topic or number is None or at is None else LetterOrigin(topic, number, at)


def _number(text: str) -> int | None:
    """A number of 64 bits in a header, which anything may have written."""
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
