"""Records that were sent between two points in time, counted until the broker has them all."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaError, Message


class Span:
    """Knows how many of its `sent` records were taken; `failed` is told of one that never will be."""

    __slots__ = ("_failed", "_taken", "sent")

    def __init__(self, failed: Callable[[KafkaError], None]) -> None:
        self._failed = failed
        self._taken = 0
        self.sent = 0

    def delivered(self, error: KafkaError | None, _message: Message) -> None:
        """Takes the delivery report of one of its records."""
        if error is None:
            self._taken += 1
        else:
            self._failed(error)

    @property
    def is_taken(self) -> bool:
        """Whether the broker has all of its records; to be asked once `sent` is settled."""
        return self._taken >= self.sent
