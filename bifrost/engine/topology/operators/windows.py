"""Window arithmetic: which windows a time falls into, and when they close. All times are epoch ms."""

from __future__ import annotations

from bifrost.engine.plan.steps import Session, Window

DAY_MS = 86_400_000


def size_of(window: Window) -> int:
    """The size of a window; the gap of a session window."""
    return window.gap_ms if isinstance(window, Session) else window.size_ms


def grace_of(window: Window, *, emit_final: bool) -> int:
    """How long after its end a window takes late rows. Where the statement does not say: up to a day, none if final.

    As ksqlDB: the default is 24 h less the window's size.
    """
    if window.grace_ms is not None:
        return window.grace_ms
    return 0 if emit_final else max(DAY_MS - size_of(window), 0)


def retention_of(window: Window, *, emit_final: bool) -> int:
    """How long windows are kept: as said, but never less than they may change."""
    needed = size_of(window) + grace_of(window, emit_final=emit_final)
    return max(window.retention_ms or 0, needed)


def starts_of(timestamp: int, size_ms: int, advance_ms: int) -> range:
    """Starts of the windows that a time falls into, earliest first."""
    first = timestamp - size_ms + advance_ms
    return range(first - first % advance_ms if first > 0 else 0, timestamp + 1, advance_ms)
