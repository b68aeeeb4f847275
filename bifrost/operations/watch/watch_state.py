"""The file in which the watcher of the embedded platform says what it has restarted or given up, for `status`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

NAME = "platform_watch"
"""The service that watches the embedded platform."""
SILENT_S = 90.0
"""After so long without a look the watcher hangs, or is stopped: it looks every ten seconds."""


def write_state(path: Path, lines: Mapping[str, str]) -> None:
    """Replace the file with a line by thing, so that a reader never sees half of it."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(lines, ensure_ascii=False), encoding="utf-8")
    os.replace(beside, path)


def silence_s(path: Path, now: Callable[[], float] = time.time) -> float:
    """The seconds since the watcher has last written the file; 0 if it does not exist."""
    try:
        return max(0.0, now() - path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def watched_failures(path: Path, now: Callable[[], float] = time.time) -> list[str]:
    """A line for each thing that has failed and has not recovered, and one if the watcher itself hangs."""
    failures = [f"{thing} {line}" for thing, line in sorted(read_state(path).items())]
    if (silence := silence_s(path, now)) < SILENT_S:
        return failures
    hangs = f"{NAME} has looked at nothing for {silence:.0f} s, so failures may be missing here: `restart {NAME}`"
    return [*failures, hangs]


def read_state(path: Path) -> dict[str, str]:
    """Return the line by thing; empty where no watcher runs, or the file is damaged: the next look replaces it."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(thing): str(line) for thing, line in found.items()} if isinstance(found, dict) else {}
