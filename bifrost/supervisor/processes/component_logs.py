"""The log files of components: where they are, how they are kept small, and which line explains a failure."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bifrost.settings import Settings

MAX_LOG_BYTES = 20 * 1024 * 1024
"""Larger logs are rotated; one rotated log is kept beside the current one."""

_SEARCHED_BYTES = 64 * 1024
_MAX_LINE_CHARS = 400


def log_path(settings: Settings, name: str) -> Path:
    """The log of a component."""
    return settings.logs / f"{name}.log"


def rotate_before_start(log: Path) -> None:
    """Rename a large log, which no process writes to, to `<name>.log.1`, replacing the previous one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if _is_large(log):
        log.replace(_rotated(log))


def rotate_while_running(log: Path) -> bool:
    """Copy a large log to `<name>.log.1` and truncate it; return whether it was large.

    A child has the file open and cannot be asked to open another one, so the file stays and is emptied. Children append
    (`O_APPEND`) and so continue at its new end. A line written between copy and truncation may be lost.

    Raises:
        OSError: the copy failed, for example on a full disk; the log is left as it is.
    """
    if not _is_large(log):
        return False
    # Writing over the previous copy frees its space first, which matters on a full disk.
    with log.open("r+b") as source, _rotated(log).open("wb") as copy:
        shutil.copyfileobj(source, copy, 1024 * 1024)
        copy.flush()
        source.truncate(0)
    return True


def failure_line(log: Path, start: int = 0, *, last_line_only: bool = False) -> str:
    """The last line of a log that mentions an error, else its last line; empty if there is none.

    Args:
        start: the byte at which the run began; earlier lines do not count. A log that was rotated since is shorter.
        last_line_only: always take the last line.
    """
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= end else 0, end - _SEARCHED_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    error_lines = [] if last_line_only else [line for line in lines if _mentions_error(line)]
    return (error_lines or lines or [""])[-1][:_MAX_LINE_CHARS]


def _mentions_error(line: str) -> bool:
    # Stack frames mention exceptions too, but explain less than the line above them.
    return not line.startswith("at ") and any(word in line for word in ("ERROR", "FATAL", "Exception", "Error:"))


def _is_large(log: Path) -> bool:
    try:
        return log.stat().st_size > MAX_LOG_BYTES
    except FileNotFoundError:
        return False


def _rotated(log: Path) -> Path:
    return log.with_name(log.name + ".1")
