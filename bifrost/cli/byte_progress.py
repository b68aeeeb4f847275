"""Progress in bytes, and sizes as text."""

from __future__ import annotations

from bifrost.cli.output import Screen

_STEP = 10
"""Per cent between two lines of progress: a log is no place for hundreds of them."""


class ByteProgress:
    """Shows how much of a whole is done."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._next = _STEP

    def __call__(self, done: int, whole: int) -> None:
        """Take the bytes done so far, and those of the whole."""
        percent = 100 * done // max(whole, 1)
        if percent >= self._next:
            self._screen.progress(f"{percent} % of {size_text(whole)}")
            self._next = percent - percent % _STEP + _STEP


def size_text(count: int) -> str:
    """A number of bytes in its largest fitting unit."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
