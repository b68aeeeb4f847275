"""Points in time as a person types them: a date and time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
_AGO = re.compile(r"(\d{1,9})\s*([smhdw])")
FORMS = "a time such as 2026-11-30T14:00 (UTC) or 2026-11-30T14:00+01:00, or how long ago, such as 90s, 15m, 2h, 3d"


def parse_moment(text: str, now_ms: int) -> int:
    """Milliseconds since the epoch of a text such as `2026-11-30T14:00`, `2026-11-30T14:00+01:00` or `2h` (ago).

    Raises:
        ValueError: it is neither; the message names the forms.
    """
    ago = _AGO.fullmatch(text.strip().lower())
    if ago is not None:
        return now_ms - int(ago[1]) * _UNITS_MS[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not {FORMS}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def moment_text(time_ms: int) -> str:
    """A time as people read it, in UTC; empty if there is none."""
    if time_ms < 0:
        return ""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
