"""The folder that the CSV source reads orders from; the files of `data/orders` are copied into it once."""

from __future__ import annotations

import os
import shutil

from bifrost.settings import Settings

FOLDERS = ("source", "finished", "error")
_MARKER = ".loaded"


def prepare(settings: Settings) -> None:
    """Create the folders. The first time, copy the project's own files, each appearing complete by a rename."""
    for name in FOLDERS:
        (settings.orders / name).mkdir(parents=True, exist_ok=True)
    marker = settings.orders / _MARKER
    if marker.exists():
        return
    for file in sorted((settings.project / "data" / "orders").glob("*.csv")):
        partial = settings.orders / "source" / f".{file.name}"
        shutil.copyfile(file, partial)
        os.replace(partial, partial.with_name(file.name))
    marker.touch()
