"""The log files of components: where they are, how they are kept small, and which line explains a failure."""

from __future__ import annotations

import glob
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bifrost.errors import SettingError
from bifrost.program_log import text_of_line
from bifrost.settings import Settings

_MIB = 1024 * 1024
_MOST_MB = 100_000
_MOST_FILES = 100
_SEARCHED_BYTES = 64 * 1024
_MAX_LINE_CHARS = 400


def log_path(settings: Settings, name: str) -> Path:
    """The log of a component."""
    return settings.logs / f"{name}.log"


@dataclass(frozen=True, slots=True)
class LogLimits:
    """A log above `max_bytes` is rotated; `rotated_files` of the earlier ones stay, as `<name>.log.1` and so on."""

    max_bytes: int = 20 * _MIB
    rotated_files: int = 1


DEFAULT_LIMITS = LogLimits()


def log_limits(settings: Settings) -> LogLimits:
    """The limits of every component's log: `BIFROST_LOG_MAX_MB` and `BIFROST_LOG_ROTATED_FILES`.

    Raises:
        SettingError: a value is not a number within its bounds.
    """
    size = _whole_number(settings.get("BIFROST_LOG_MAX_MB", "20"), "BIFROST_LOG_MAX_MB", _MOST_MB)
    files = _whole_number(settings.get("BIFROST_LOG_ROTATED_FILES", "1"), "BIFROST_LOG_ROTATED_FILES", _MOST_FILES)
    return LogLimits(size * _MIB, files)


def _whole_number(text: str, name: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise SettingError(name, f"{text!r} is not a whole number from 1 to {most}")
    return int(text)


def rotate_before_start(log: Path, limits: LogLimits = DEFAULT_LIMITS) -> None:
    """Rename a large log, which no process writes to, to `<name>.log.1`; earlier ones move up, the oldest goes."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if _is_large(log, limits):
        _make_room(log, limits)
        log.replace(_rotated(log, 1))


def rotate_while_running(log: Path, limits: LogLimits = DEFAULT_LIMITS) -> bool:
    """Copy a large log to `<name>.log.1` and truncate it; return whether it was large. Earlier ones move up.

    A child has the file open and cannot be asked to open another one, so the file stays and is emptied. Children append
    (`O_APPEND`) and so continue at its new end. A line written between copy and truncation may be lost.

    Raises:
        OSError: the copy failed, for example on a full disk; the log is left as it is.
    """
    if not _is_large(log, limits):
        return False
    _make_room(log, limits)
    with log.open("r+b") as source:
        try:
            with _rotated(log, 1).open("wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
        except OSError:
            # Part of a copy would take the place of an earlier log at the next attempt.
            _rotated(log, 1).unlink(missing_ok=True)
            raise
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
    lines = [text_of_line(line.strip()) for line in text.splitlines() if line.strip()]
    error_lines = [] if last_line_only else [line for line in lines if _mentions_error(line)]
    return (error_lines or lines or [""])[-1][:_MAX_LINE_CHARS]


def _mentions_error(line: str) -> bool:
    # Stack frames mention exceptions too, but explain less than the line above them.
    return not line.startswith("at ") and any(word in line for word in ("ERROR", "FATAL", "Exception", "Error:"))


def _is_large(log: Path, limits: LogLimits) -> bool:
    try:
        return log.stat().st_size > limits.max_bytes
    except FileNotFoundError:
        return False


def _make_room(log: Path, limits: LogLimits) -> None:
    """Remove the oldest rotated log, and any beyond the limit, then move the others up by one number.

    After an attempt that failed, the first number is free, and only what is beyond the limit is removed.
    """
    is_full = _rotated(log, 1).exists()
    # First, which matters on a full disk.
    for file in log.parent.glob(f"{glob.escape(log.name)}.*"):
        suffix = file.name.removeprefix(f"{log.name}.")
        if suffix.isdecimal() and int(suffix) + is_full > limits.rotated_files:
            file.unlink(missing_ok=True)
    if not is_full:
        return
    for number in range(limits.rotated_files - 1, 0, -1):
        if _rotated(log, number).exists():
            _rotated(log, number).replace(_rotated(log, number + 1))


def _rotated(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
