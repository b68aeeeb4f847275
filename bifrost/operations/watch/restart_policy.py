"""When a failed thing is restarted, and when it is left failed: Strimzi's rules for connectors. Pure.

The first failure is followed by an immediate restart, further ones by delays of 2, 6, 12, 20, 30, 42 and 56 minutes.
All restarts are forgotten when a thing has run longer than the delay that its next failure would bring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

MAX_RESTARTS = 7
_MAX_DELAY_MINUTES = 60
STEADY_S = 60.0
"""How long a thing must run after a restart to count as recovered."""


class Happening(StrEnum):
    """What is worth a message about a thing."""

    FAILED = "failed"
    GIVEN_UP = "given_up"
    RECOVERED = "recovered"


def delay_s(restarts: int) -> float:
    """The seconds from the last restart to the next one, after so many restarts: n * n + n minutes, at most an hour."""
    return 60.0 * min(restarts * restarts + restarts, _MAX_DELAY_MINUTES)


@dataclass(frozen=True, slots=True)
class Restarts:
    """The restarts of one thing; times are seconds of any steady clock.

    `is_failed` is what the last look found, `is_recovery_due` whether a recovery is still to be reported, `well_since`
    when it was first found well again.
    """

    count: int = 0
    last_at: float = 0.0
    is_failed: bool = False
    is_given_up: bool = False
    is_recovery_due: bool = False
    well_since: float | None = None

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing needs to be remembered."""
        return not self.count and not self.is_failed and not self.is_recovery_due

    def next_at(self) -> float:
        """When the next restart is due."""
        return self.last_at + delay_s(self.count) if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look at a thing leads to: what to remember, whether to restart it now, and what to publish."""

    restarts: Restarts
    restart: bool = False
    happening: Happening | None = None


def decide(before: Restarts, now: float, *, failed: bool, max_restarts: int = MAX_RESTARTS) -> Decision:
    """Decide what to do about a thing that a look at `now` found failed, or not."""
    return _of_failed(before, now, max_restarts) if failed else _of_well(before, now)


def _of_failed(before: Restarts, now: float, max_restarts: int) -> Decision:
    failed = replace(before, is_failed=True, is_recovery_due=True, well_since=None)
    if before.count >= max_restarts:
        happening = None if before.is_given_up else Happening.GIVEN_UP
        return Decision(replace(failed, is_given_up=True), happening=happening)
    happening = None if before.is_failed else Happening.FAILED
    if now < before.next_at():
        return Decision(failed, happening=happening)
    # The restart makes it a new attempt: if that fails too, it is a new failure.
    return Decision(replace(failed, count=before.count + 1, last_at=now, is_failed=False), True, happening)


def _of_well(before: Restarts, now: float) -> Decision:
    since = now if before.well_since is None else before.well_since
    well = replace(before, is_failed=False, well_since=since)
    happening = None
    if before.is_recovery_due and now - since >= STEADY_S:
        well, happening = replace(well, is_recovery_due=False, is_given_up=False), Happening.RECOVERED
    if now - since >= STEADY_S and now - well.last_at > delay_s(well.count):
        well = replace(well, count=0, last_at=0.0)
    return Decision(well, happening=happening)
