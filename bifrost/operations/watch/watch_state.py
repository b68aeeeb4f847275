"""The file in which the watcher of the embedded platform says what it has restarted or given up, for `status`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_state(path: Path, lines: Mapping[str, str]) -> None:
    """Replace the file with a line by thing, so that a reader never sees half of it."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(lines, ensure_ascii=False), encoding="utf-8")
    os.replace(beside, path)


def read_state(path: Path) -> dict[str, str]:
    """Return the line by thing; empty where no watcher runs, or the file is damaged: the next look replaces it."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(thing): str(line) for thing, line in found.items()} if isinstance(found, dict) else {}
