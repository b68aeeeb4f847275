"""The log of actions: who changed what on the target, when, and with what result; a file that survives `down`."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from bifrost.errors import OperationRefused
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings

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


@dataclass(slots=True)
class ActionResult:
    """What an action did, in a sentence, for the log."""

    text: str = ""


class ActionLog:
    """Appends actions to a file and reads them. Secrets are removed from all texts.

    Thread-safe; the console, commands and the watcher may use the same file at the same time.
    """

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

    @contextmanager
    def logged(self, who: str, action: str, thing: str, lines: Iterable[str]) -> Iterator[ActionResult]:
        """Log an action that is carried out meanwhile: set the result; an error is logged as failed and raised.

        Raises:
            OperationRefused: the file cannot be written; the action must not be carried out.
        """
        begun, result = self.begin(who, action, thing, lines), ActionResult()
        try:
            yield result
        except BaseException as error:
            self.end(begun, Outcome.FAILED, str(error) or type(error).__name__)
            raise
        result.text = self.end(begun, Outcome.DONE, result.text).result

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
            with self._locked_file() as out:
                out.write(line if _ends_with_a_line(out) else b"\n" + line)
                out.flush()
                os.fsync(out.fileno())

    @contextmanager
    def _locked_file(self) -> Iterator[BinaryIO]:
        """The file, to append to, while no other program writes to it. A large one is renamed first."""
        while True:
            with open(os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "ab+") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                opened = os.fstat(out.fileno())
                # Another program may have renamed it while this one waited for the lock.
                if not self._file.exists() or not os.path.samestat(opened, self._file.stat()):
                    continue
                if opened.st_size <= MAX_BYTES:
                    yield out
                    return
                self._file.replace(self._older)

    def _clean(self, text: str) -> str:
        return redact_text(text, self._secrets)[:_MAX_TEXT]


def action_log_of(settings: Settings) -> ActionLog:
    """The log of a target's actions."""
    return ActionLog(settings.action_log, time.time, secrets_of(settings.secrets))


def account_name() -> str:
    """The operating system's user who runs this program."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _ends_with_a_line(file: BinaryIO) -> bool:
    """Whether the last entry is whole: a crash or a full disk may have cut it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    return file.read(1) in (b"", b"\n")


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
