"""The contract of a channel: the notifications that it sends, and the outcomes of one attempt to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from bifrost.clients.consumer_group import Record


@dataclass(frozen=True, slots=True)
class Delivered:
    """The API accepted the message."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """The channel skipped the message on purpose: the same message was sent a moment ago."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The API limits the rate: send nothing to this destination for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Quiet hours hold the message back until `until` (as shown to people); ask again after `seconds`."""

    seconds: float
    until: str


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    """The API failed, and may accept the same message later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The message can never be delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccountRefused:
    """The API refuses every message of this account; `setting` names what the operator must change."""

    setting: str
    reason: str


Outcome = Delivered | Suppressed | RetryAfter | HeldBack | TemporaryFailure | Undeliverable | AccountRefused


class Notification(Protocol):
    """A message to people."""

    @property
    def destination(self) -> str:
        """The recipient, as shown in logs; messages to one destination share its rate limit."""
        ...


N = TypeVar("N", bound=Notification)
M = TypeVar("M", contravariant=True)
ComposeRecord = Callable[[Record], N | Undeliverable | None]
"""Builds the notification for a record; `None` if the record needs none. Pure."""
Compose = Callable[[bytes | None], N | Undeliverable | None]
"""Builds the notification for a record's value; `None` if the record needs none. Pure."""


def compose_from_value(compose: Compose[N]) -> ComposeRecord[N]:
    """Adapt a function of the value alone to one of the whole record."""
    return lambda record: compose(record.value)


class Channel(Protocol[M]):
    """An outside API that accepts messages."""

    def send(self, notification: M) -> Outcome:
        """Make one attempt to deliver, within seconds."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@runtime_checkable
class BatchChannel(Channel[M], Protocol[M]):
    """A channel that can send several messages at the same time."""

    def send_together(self, notifications: Sequence[M]) -> Sequence[Outcome]:
        """Make one attempt to deliver each message, within seconds; return their outcomes."""
        ...
