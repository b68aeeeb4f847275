"""Window arithmetic: which windows contain a time, and when they close. All times are epoch ms."""

from __future__ import annotations

from bifrost.engine.plan.steps import Session, Window

DAY_MS = 86_400_000


def size_of(window: Window) -> int:
    """Returns the size of a window in ms; the gap of a session window."""
    return window.gap_ms if isinstance(window, Session) else window.size_ms


def grace_of(window: Window, *, emit_final: bool) -> int:
    """Returns how long after its end (ms) a window accepts late rows.

    Without GRACE PERIOD, as in ksqlDB: 24 h less the window's size, and 0 with EMIT FINAL.
    """
    if window.grace_ms is not None:
        return window.grace_ms
    return 0 if emit_final else max(DAY_MS - size_of(window), 0)


def retention_of(window: Window, *, emit_final: bool) -> int:
    """Returns how long windows are stored (ms): the RETENTION of the statement, but at least while they may change."""
    needed = size_of(window) + grace_of(window, emit_final=emit_final)
    return max(window.retention_ms or 0, needed)


def starts_of(timestamp: int, size_ms: int, advance_ms: int) -> range:
    """Returns the starts of the windows that contain a time, earliest first."""
    # As in Kafka Streams, no window starts before the epoch.
    first = timestamp - size_ms + advance_ms
    return range(first - first % advance_ms if first > 0 else 0, timestamp + 1, advance_ms)
