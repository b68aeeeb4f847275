"""Checks the durations of windows and of WITHIN clauses, which Kafka Streams refuses when a query starts."""

from __future__ import annotations

from bifrost.errors import AnalysisError
from bifrost.sql.tree import Duration, HoppingWindow, SessionWindow, Window, Within

# ksqlDB holds durations in a Java long.
_LONG_MAX = 2**63 - 1


def check_window(window: Window) -> None:
    """Checks the durations of a WINDOW clause.

    Raises:
        AnalysisError: a size, advance or gap is not positive, the grace is negative, or the retention is too short.
    """
    if isinstance(window, SessionWindow):
        size = _positive(window.gap, "The gap of a SESSION window")
    else:
        size = _positive(window.size, "The SIZE of a window")
    if isinstance(window, HoppingWindow) and not 0 < window.advance.milliseconds <= size:
        raise AnalysisError("ADVANCE BY must be greater than zero and not more than the window's SIZE.")
    least = size + _not_negative(window.grace, "The GRACE PERIOD of a window")
    if window.retention is not None and _not_negative(window.retention, "The RETENTION of a window") < least:
        raise AnalysisError(
            f"RETENTION ({window.retention}) must not be less than the window's size and grace period together "
            f"({least} MILLISECONDS)."
        )


def check_within(within: Within) -> None:
    """Checks the durations of a WITHIN clause.

    Raises:
        AnalysisError: a duration is negative.
    """
    _not_negative(within.before, "WITHIN")
    _not_negative(within.after, "WITHIN")
    _not_negative(within.grace, "The GRACE PERIOD of a join")


def _positive(duration: Duration, what: str) -> int:
    if duration.milliseconds <= 0:
        raise AnalysisError(f"{what} must be greater than zero, but is {duration}.")
    return _in_range(duration, what)


def _not_negative(duration: Duration | None, what: str) -> int:
    if duration is None:
        return 0
    if duration.milliseconds < 0:
        raise AnalysisError(f"{what} must not be negative, but is {duration}.")
    return _in_range(duration, what)


def _in_range(duration: Duration, what: str) -> int:
    if duration.milliseconds > _LONG_MAX:
        raise AnalysisError(f"{what} is too long: {duration} is more than {_LONG_MAX} milliseconds.")
    return duration.milliseconds
