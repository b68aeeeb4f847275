"""What happens to components, as the supervisor hears of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """The preparation ended, with a problem or without."""

    name: str
    attempt: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """A look at the running process: what is still missing, `None` when it is ready."""

    name: str
    attempt: int
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The step that follows readiness ended, with a problem or without."""

    name: str
    attempt: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended; `code` is its exit code, or minus the signal that ended it."""

    name: str
    attempt: int
    code: int


Event = Prepared | Probed | Finished | Exited
