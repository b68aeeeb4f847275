"""The files that the CSV source connector rejected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bifrost.settings import Settings

PIPELINE = "orders"


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that the connector could not read; `cause` names the line and the problem."""

    pipeline: str
    folder: Path
    name: str
    cause: str


def rejected_files(settings: Settings) -> tuple[RejectedFile, ...]:
    """Return the rejected files of orders, sorted by name; the connector writes a `.log` beside each of them."""
    folder = settings.orders / "error"
    logs = ((log, log.read_text(encoding="utf-8", errors="replace")) for log in sorted(folder.glob("*.log")))
    return tuple(RejectedFile(PIPELINE, folder, log.stem, text.splitlines()[0]) for log, text in logs if text)
