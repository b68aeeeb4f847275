"""The file in which the watcher of the embedded platform says what it has restarted or given up, for `status`."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

NAME = "platform_watch"
"""The service that watches the embedded platform."""
SILENT_S = 90.0
"""After so long without a look the watcher hangs, or is stopped: it looks every ten seconds."""
_FULL_BELOW = 64 * 1024
"""Free bytes that are too few to write a file for sure."""
_LOOKED_AT, _THINGS = "looked_at", "things"


def write_state(path: Path, lines: Mapping[str, str], looked_at: float) -> None:
    """Replace the file with a line by thing, so that a reader never sees half of it.

    Args:
        looked_at: when the watcher looked, in seconds of the machine's steady clock (`time.monotonic`). It stands
            while a laptop sleeps, and nobody sets it, so neither makes a watcher look silent.
    """
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({_LOOKED_AT: looked_at, _THINGS: dict(lines)}, ensure_ascii=False), encoding="utf-8")
    os.replace(beside, path)


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path.parent).free


def watched_failures(
    path: Path, now: Callable[[], float] = time.monotonic, free: Callable[[Path], int] = _free_bytes
) -> list[str]:
    """A line for each thing that has failed and has not recovered, and one if the watcher itself hangs.

    Args:
        free: the free bytes on the disk of a file. On a full one, a watcher that works cannot say so.
    """
    failures = [f"{thing} {line}" for thing, line in sorted(read_state(path).items())]
    looked_at = _read(path).get(_LOOKED_AT)
    silence = now() - looked_at if isinstance(looked_at, float | int) else 0.0
    if silence < SILENT_S:
        return failures
    if free(path) < _FULL_BELOW:
        full = f"the disk of {path.parent} is full: {NAME} has written nothing for {silence:.0f} s; make space"
        return [*failures, full]
    hangs = f"{NAME} has looked at nothing for {silence:.0f} s, so failures may be missing here: `restart {NAME}`"
    return [*failures, hangs]


def read_state(path: Path) -> dict[str, str]:
    """Return the line by thing; empty where no watcher runs, or the file is damaged: the next look replaces it."""
    things = _read(path).get(_THINGS)
    return {str(thing): str(line) for thing, line in things.items()} if isinstance(things, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
