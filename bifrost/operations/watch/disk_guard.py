"""Pauses what writes while the disk of the embedded platform is nearly full, and resumes it later.

A full disk ends the broker and the databases, and they cannot start again on it. Connectors and generators continue
where they were, so pausing them in time costs nothing but the delay.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bifrost.deployer.live.state import Platform
from bifrost.errors import BifrostError, SettingError
from bifrost.operations.live_things import LiveThing, ThingKind
from bifrost.operations.watch.restart_policy import Happening
from bifrost.settings import Settings
from bifrost.supervisor.components.generator import DEMOS

NAME = "space"
MIB = 1024 * 1024
_MOST_MB = 100_000_000
_IDLE = frozenset({"PAUSED", "STOPPED", "STOPPING", "FAILED"})

_log = logging.getLogger("watch")


@dataclass(frozen=True, slots=True)
class DiskLimits:
    """Free bytes below which writing is paused, and from which it is resumed."""

    pause_below: int = 500 * MIB
    resume_from: int = 1000 * MIB


@dataclass(frozen=True, slots=True)
class DiskChange:
    """The disk became too full, or has enough space again."""

    happening: Happening
    cause: str


@dataclass(slots=True)
class DiskGuard:
    """Looks at the disk of `folder`. `file` holds what it paused, so that a restarted watcher resumes it."""

    folder: Path
    file: Path
    limits: DiskLimits = DiskLimits()
    generators: Collection[str] = frozenset(DEMOS.values())
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    _paused: set[str] | None = field(default=None, init=False)
    _is_known: bool = field(default=False, init=False)

    def look(self, platform: Platform, things: Sequence[LiveThing]) -> DiskChange | None:
        """Pause or resume what the free space requires; return what changed since the look before."""
        self._remember()
        free = self.free(self.folder)
        if free < self.limits.pause_below:
            return self._pause(platform, things, free)
        if self._paused is not None and free >= self.limits.resume_from:
            return self._resume(platform, free)
        return None

    @property
    def summary(self) -> str:
        """What is paused, for people; empty if nothing is."""
        self._remember()
        if self._paused is None:
            return ""
        return pause_text(self.free(self.folder), self.folder, self.limits, len(self._paused))

    def _remember(self) -> None:
        if not self._is_known:
            self._paused, self._is_known = read_paused(self.file), True

    def _pause(self, platform: Platform, things: Sequence[LiveThing], free: int) -> DiskChange | None:
        is_new = self._paused is None
        writing = [thing for thing in things if self._writes(thing) and thing.state not in _IDLE]
        self._paused = (self._paused or set()) | {f"{thing.kind}:{thing.name}" for thing in writing}
        # Before pausing: what a killed watcher has paused must be resumed as well.
        self._write()
        for thing in writing:
            _attempt(f"pause {thing}", partial(_pause_one, platform, thing))
        if not is_new:
            return None
        return DiskChange(Happening.FAILED, pause_text(free, self.folder, self.limits, len(self._paused)))

    def _resume(self, platform: Platform, free: int) -> DiskChange | None:
        left = {
            key
            for key in sorted(self._paused or ())
            if not _attempt(f"resume {key}", partial(_resume_one, platform, key))
        }
        if left:  # tried again at the next look
            self._paused = left
            self._write()
            return None
        self._paused = None
        self.file.unlink(missing_ok=True)
        return DiskChange(Happening.RECOVERED, f"{free // MIB} MiB are free on the disk of {self.folder}")

    def _writes(self, thing: LiveThing) -> bool:
        return thing.kind is ThingKind.CONNECTOR or thing.name in self.generators

    def _write(self) -> None:
        try:
            _write_paused(self.file, self._paused or ())
        except OSError as error:  # the disk may be full already
            _log.warning("cannot write %s: %s", self.file, error.strerror or error)


def disk_limits(settings: Settings) -> DiskLimits:
    """The limits of the settings `BIFROST_DISK_PAUSE_BELOW_MB` and `BIFROST_DISK_RESUME_FROM_MB`.

    Raises:
        SettingError: a value is not a number of MB, or the second is less than the first.
    """
    pause = _megabytes("BIFROST_DISK_PAUSE_BELOW_MB", settings.get("BIFROST_DISK_PAUSE_BELOW_MB", "500"))
    resume = _megabytes("BIFROST_DISK_RESUME_FROM_MB", settings.get("BIFROST_DISK_RESUME_FROM_MB", str(2 * pause)))
    if resume < pause:
        problem = f"{resume} is less than BIFROST_DISK_PAUSE_BELOW_MB ({pause})"
        raise SettingError("BIFROST_DISK_RESUME_FROM_MB", problem)
    return DiskLimits(pause * MIB, resume * MIB)


def read_paused(file: Path) -> set[str] | None:
    """What is paused for lack of space, as `connector:NAME` or `component:NAME`; `None` if nothing is."""
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        # A damaged file says that something is paused, not what; `up` resumes it.
        return set()
    return {str(name) for name in found} if isinstance(found, list) else set()


def forget_generators(file: Path) -> None:
    """Forget which generators are paused, before a platform starts: `up` says which of them run now.

    Connectors stay in the file, because Kafka Connect remembers that they are paused.

    Raises:
        OSError: the file cannot be written.
    """
    paused = read_paused(file) or set()
    connectors = {key for key in paused if key.startswith(f"{ThingKind.CONNECTOR}:")}
    if connectors != paused:
        _write_paused(file, connectors)


def _write_paused(file: Path, paused: Collection[str]) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(sorted(paused)), encoding="utf-8")
    os.replace(unfinished, file)


def pause_text(free: int, folder: Path, limits: DiskLimits, count: int) -> str:
    """Say how much is free, what is paused for it, and until when."""
    return (
        f"{free // MIB} MiB are free on the disk of {folder}; {count} connectors and generators are paused until "
        f"{limits.resume_from // MIB} MiB are free: delete what is not needed"
    )


def _megabytes(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > _MOST_MB:
        raise SettingError(name, f"{text!r} is not a number of MB (0 to {_MOST_MB})")
    return int(text)


def _attempt(what: str, work: Callable[[], object]) -> bool:
    try:
        work()
    except BifrostError as error:
        _log.warning("cannot %s: %s", what, error)
        return False
    return True


def _pause_one(platform: Platform, thing: LiveThing) -> None:
    if thing.kind is ThingKind.CONNECTOR:
        platform.connect.pause(thing.name)
    elif platform.services is not None:
        platform.services.stop(thing.name)


def _resume_one(platform: Platform, key: str) -> None:
    kind, _, name = key.partition(":")
    if kind != ThingKind.CONNECTOR:
        if platform.services is not None:
            platform.services.start(name)
    elif platform.connect.status(name) is not None:  # it may have been removed
        platform.connect.resume(name)
