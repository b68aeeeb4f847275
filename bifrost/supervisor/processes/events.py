"""Events of components, which drive the supervisor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """The preparation ended; `problem` is `None` if it succeeded."""

    name: str
    attempt: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe of the running process returned: what is still missing, `None` if it is ready."""

    name: str
    attempt: int
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The step after readiness ended; `problem` is `None` if it succeeded."""

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
