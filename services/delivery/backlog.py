"""The records of a partition that wait for delivery, and which of their messages may be in flight together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic

from bifrost.clients.consumer_group import Record
from services.delivery.channel import N, Undeliverable

DEAD_LETTER_TOPIC = "the dead-letter topic"

OrderMarks = Callable[[Record, N], Collection[Hashable]]
"""Returns the marks of a message: messages that share one are never in flight together, so they stay in order."""


def one_order(_record: Record, _notification: object) -> Collection[Hashable]:
    """Keep all messages of a partition in order."""
    return ("",)


@dataclass(slots=True)
class PendingRecord(Generic[N]):
    """A record and what it becomes: a message, a dead letter with its reason, or nothing (`None`)."""

    record: Record
    content: N | Undeliverable | None
    is_finished: bool = False

    @property
    def notification(self) -> N | None:
        """The message to be sent, `None` if the record needs none (any more)."""
        return None if self.is_finished or isinstance(self.content, Undeliverable) else self.content

    @property
    def destination(self) -> str:
        """The destination whose hold the record waits for; `""` if it waits for none."""
        match self.content:
            case _ if self.is_finished:
                return ""
            case None:
                return ""
            case Undeliverable():
                return DEAD_LETTER_TOPIC
            case notification:
                return notification.destination


@dataclass(slots=True)
class Backlog(Generic[N]):
    """The records of one partition that are not finished; `paused` says that no more are fetched for now."""

    pending: deque[PendingRecord[N]] = field(default_factory=deque)
    paused: bool = False

    def sent_together(self, limit: int, order_marks: OrderMarks[N], held: Collection[str]) -> list[PendingRecord[N]]:
        """Return the first records whose messages may be in flight together, at least one and at most `limit`.

        `held` are destinations that must wait.
        """
        found: list[PendingRecord[N]] = []
        marks: set[Hashable] = set()
        for pending in islice(self.pending, limit):
            message = pending.notification
            own = order_marks(pending.record, message) if message is not None else ()
            if found and (message is None or not marks.isdisjoint(own) or pending.destination in held):
                break
            found.append(pending)
            if message is None:
                break
            marks.update(own)
        return found


@dataclass(slots=True)
class Hold:
    """Blocks a destination until a moment of the clock.

    `failures` counts its consecutive failures; `quiet_until` is set during quiet hours.
    """

    until: float
    failures: int = 0
    quiet_until: str = ""
