"""What a notification is, what a channel does with it, and what can come of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bifrost.clients.consumer_group import Record


@dataclass(frozen=True, slots=True)
class Delivered:
    """The API has accepted the message."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The channel does not send the message on purpose: people have been told the same a moment ago."""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """No message may go to this destination for so many seconds: the API wants that, or people do."""

    seconds: float
    reason: str = "rate limit"


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The API failed in a way that passes."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """This message can never be delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccountRefused:
    """The API refuses us, whatever the message; `setting` is what the operator must look at."""

    setting: str
    reason: str


Outcome = Delivered | LeftOut | RetryAfter | TryAgain | Undeliverable | AccountRefused


class Notification(Protocol):
    """A message to people."""

    @property
    def destination(self) -> str:
        """Where it goes; messages to one destination share its rate limit."""
        ...


N = TypeVar("N", bound=Notification)
M = TypeVar("M", contravariant=True)
ComposeRecord = Callable[[Record], N | Undeliverable | None]
"""Makes the notification of a record; `None` when there is nothing to say. Pure."""
Compose = Callable[[bytes | None], N | Undeliverable | None]
"""Makes the notification of a record's value; `None` when there is nothing to say. Pure."""


def of_value(compose: Compose[N]) -> ComposeRecord[N]:
    """Makes the notification of a record's value alone."""
    return lambda record: compose(record.value)


class Channel(Protocol[M]):
    """An outside API that takes messages."""

    def send(self, notification: M) -> Outcome:
        """Try once to deliver, within seconds."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...
