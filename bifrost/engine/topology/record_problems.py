"""Problems with single records: they are reported and skipped, and the query continues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bifrost.errors import BifrostError

ProblemKind = Literal["deserialization", "timestamp", "processing", "production"]


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """One problem with one record.

    `topic`, `partition` and `offset` identify the record; `context` is the step of the plan, `record` has the bytes
    that are unreadable.
    """

    kind: ProblemKind
    topic: str
    partition: int
    offset: int
    context: str
    message: str
    record: bytes | None = None


class RecordUnusable(BifrostError):
    """A record that the query must not skip; the record before it was the last one processed."""

    def __init__(self, problem: RecordProblem, reason: str) -> None:
        position = f"{problem.topic}-{problem.partition}@{problem.offset}"
        super().__init__(f"{position}: {problem.message} ({reason})")


LogCallback = Callable[[RecordProblem], None]
"""Receives each problem. It may raise `RecordUnusable` for unreadable records and times."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports problems with records of one topic; generated code calls it."""

    topic: str
    log: LogCallback

    def unreadable(self, context: str, error: Exception, partition: int, offset: int, record: bytes | None) -> None:
        """Reports key or value bytes that are unreadable."""
        self.log(RecordProblem("deserialization", self.topic, partition, offset, context, str(error), record))

    def untimed(self, context: str, what: str, error: Exception | str, partition: int, offset: int) -> None:
        """Reports a record whose time is invalid."""
        cause = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.log(RecordProblem("timestamp", self.topic, partition, offset, context, f"{what}: {cause}"))

    def failed(self, context: str, what: str, error: Exception | str, partition: int, offset: int) -> None:
        """Reports a step that failed on a record; `what` says what it was computing."""
        cause = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.log(RecordProblem("processing", self.topic, partition, offset, context, f"{what}: {cause}"))

    def unwritable(self, context: str, error: Exception, partition: int, offset: int) -> None:
        """Reports a result that its format cannot carry."""
        self.log(RecordProblem("production", self.topic, partition, offset, context, str(error)))
