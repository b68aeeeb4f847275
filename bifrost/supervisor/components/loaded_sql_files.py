"""Runs each SQL file of `data/` once in a database, in the order of their names, and remembers which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bifrost.errors import ComponentError, RemoteError


class LoadedSqlFiles:
    """The record of one database, kept in the file `record` beside its data."""

    def __init__(self, component: str, record: Path, log: Path) -> None:
        self._component = component
        self._record = record
        self._log = log

    def exists(self) -> bool:
        """Whether the database was completely loaded before; otherwise it was never used."""
        return self._record.exists()

    def load(self, folder: Path, run: Callable[[str], None]) -> None:
        """Run the files of `folder` that were not run before.

        Args:
            run: runs the text of a file, or raises `ComponentError` or `RemoteError`.

        Raises:
            ComponentError: a file fails; the message names it, and the files after it are not run.
        """
        loaded = json.loads(self._record.read_text()) if self._record.exists() else []
        for path in sorted(folder.glob("*.sql")):
            if path.name not in loaded:
                try:
                    run(path.read_text(encoding="utf-8"))
                except (ComponentError, RemoteError) as error:
                    raise ComponentError(self._component, f"{path}: {error.problem}", log=self._log) from error
                loaded.append(path.name)
        self._record.write_text(json.dumps(loaded) + "\n")
