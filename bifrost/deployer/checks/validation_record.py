"""Remembers which declarations were found sound, since checking the types of all statements costs half of `plan`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import bifrost
from bifrost.settings import Settings

FOLDERS = ("alerts", "connectors", "dashboards", "ksql", "services", "topics")
"""The folders of a project that `validate` reads."""


def is_recorded(settings: Settings) -> bool:
    """Whether exactly these files were found sound by exactly this program on this target."""
    try:
        return _record(settings).read_text(encoding="ascii") == _digest(settings)
    except (OSError, UnicodeDecodeError):
        return False


def record(settings: Settings) -> None:
    """Remember that the files as they are now are sound; where that cannot be written, they are checked again."""
    with suppress(OSError):
        _record(settings).parent.mkdir(parents=True, exist_ok=True)
        _record(settings).write_text(_digest(settings), encoding="ascii")


def _record(settings: Settings) -> Path:
    return settings.run / "validated"


def _digest(settings: Settings) -> str:
    """Of the files' contents, of the names of the settings that stand in them, and of the program's files.

    Each terminal has other variables in its environment, which must not have the same files checked again.
    """
    found = hashlib.sha256(f"{sys.version}\n{settings.target}\n".encode())
    contents = []
    for path in _files(settings.project):
        contents.append(path.read_bytes())
        found.update(f"{path.relative_to(settings.project)} {len(contents[-1])}\n".encode())
    together = b"\n".join(contents)
    found.update(together)
    for name in sorted(settings.values):
        if name.encode("utf-8", "replace") in together:
            found.update(f"\n{name}".encode("utf-8", "replace"))
    program = Path(bifrost.__file__).parent
    for path in sorted(program.rglob("*.py")):
        stat = path.stat()
        found.update(f"{path.relative_to(program)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _files(project: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        # Python writes .pyc files when it imports the project's functions; they declare nothing.
        yield from (path for path in sorted((project / folder).rglob("*")) if path.is_file() and path.suffix != ".pyc")
