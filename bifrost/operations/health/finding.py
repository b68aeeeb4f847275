"""The results of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bifrost.errors import BifrostError


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found about one thing, and what to do about it (empty if nothing)."""

    severity: Severity
    thing: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class HealthSection:
    """The findings of one area."""

    title: str
    findings: tuple[Finding, ...]


Check = Callable[[], Iterable[Finding]]


def ok(thing: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(Severity.OK, thing, text)


def warning(thing: str, text: str, advice: str = "") -> Finding:
    """It works, and may not for long, or not as intended."""
    return Finding(Severity.WARNING, thing, text, advice)


def problem(thing: str, text: str, advice: str = "") -> Finding:
    """It does not work."""
    return Finding(Severity.ERROR, thing, text, advice)


def run_section(title: str, checks: Mapping[str, Check]) -> HealthSection:
    """Run the checks of an area. What cannot be checked is a finding, too, and does not stop the others."""
    return HealthSection(title, tuple(finding for thing, check in checks.items() for finding in _guarded(thing, check)))


def _guarded(thing: str, check: Check) -> Iterator[Finding]:
    try:
        yield from tuple(check())
    except (BifrostError, OSError) as error:
        yield problem(thing, f"could not be checked: {error}")
