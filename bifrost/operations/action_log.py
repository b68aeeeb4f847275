"""The log of actions: who changed what on the target, when, and with what result; a file that survives `down`."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from bifrost.errors import OperationRefused
from bifrost.redaction import redact_text

MAX_BYTES = 4 * 1024 * 1024
"""Size at which the file becomes the older one, which replaces the one before."""
_MAX_TEXT = 4_000
_MAX_LINES = 50


class Outcome(StrEnum):
    """How an action ended; `STARTED` if it has not, or if its program ended before it."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """One action. Times are seconds since the epoch; `lines` is what was announced before, `result` what happened."""

    id: str
    at_s: float
    who: str
    action: str
    thing: str
    lines: tuple[str, ...] = ()
    outcome: Outcome = Outcome.STARTED
    result: str = ""
    ended_s: float | None = None


class ActionLog:
    """Appends actions to a file and reads them. Thread-safe; secrets are removed from all texts."""

    def __init__(self, file: Path, now: Callable[[], float], known_secrets: Iterable[str] = ()) -> None:
        self._file = file
        self._now = now
        self._secrets = tuple(known_secrets)
        self._lock = threading.Lock()

    def begin(self, who: str, action: str, thing: str, lines: Iterable[str]) -> LoggedAction:
        """Log that an action begins.

        Raises:
            OperationRefused: the file cannot be written, so the action must not be carried out.
        """
        texts = tuple(self._clean(line) for line in lines)
        shown = texts[:_MAX_LINES] + ((f"... and {len(texts) - _MAX_LINES} more",) if len(texts) > _MAX_LINES else ())
        begun = LoggedAction(secrets.token_hex(8), self._now(), who, action, self._clean(thing), shown)
        try:
            self._append(begun)
        except OSError as error:
            raise OperationRefused(f"nothing was changed: {self._file} cannot be written: {error.strerror}") from error
        return begun

    def end(self, begun: LoggedAction, outcome: Outcome, result: str) -> LoggedAction:
        """Log how an action ended. A full disk does not undo what was done, so this never fails."""
        ended = replace(begun, outcome=outcome, result=self._clean(result), ended_s=self._now())
        try:
            self._append(replace(ended, lines=()))
        except OSError:
            return replace(ended, result=f"{ended.result} ({self._file} could not be written)")
        return ended

    def newest(self, limit: int) -> tuple[LoggedAction, ...]:
        """The newest actions, newest first."""
        found: dict[str, LoggedAction] = {}
        with self._lock:
            for entry in (*_entries(self._older), *_entries(self._file)):
                begun = found.get(entry.id)
                found[entry.id] = entry if begun is None else replace(entry, lines=begun.lines)
        return tuple(sorted(found.values(), key=lambda entry: -entry.at_s)[:limit])

    @property
    def _older(self) -> Path:
        return self._file.with_suffix(f".1{self._file.suffix}")

    def _append(self, entry: LoggedAction) -> None:
        line = json.dumps(asdict(entry), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._file.exists() and self._file.stat().st_size > MAX_BYTES:
                self._file.replace(self._older)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with open(descriptor, "ab", closefd=True) as out:
                out.write(line if self._ends_with_a_line() else b"\n" + line)
                out.flush()
                os.fsync(out.fileno())

    def _ends_with_a_line(self) -> bool:
        """Whether the last entry is whole: a crash or a full disk may have cut it."""
        with self._file.open("rb") as found:
            size = found.seek(0, os.SEEK_END)
            found.seek(max(0, size - 1))
            return found.read(1) in (b"", b"\n")

    def _clean(self, text: str) -> str:
        return redact_text(text, self._secrets)[:_MAX_TEXT]


def _entries(file: Path) -> Iterator[LoggedAction]:
    """The entries of a file; a line that a crash has cut is skipped."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
            yield LoggedAction(**{**found, "lines": tuple(found["lines"]), "outcome": Outcome(found["outcome"])})
        except (ValueError, TypeError, KeyError):
            continue
