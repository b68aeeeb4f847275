"""The folder in which an engine has the state of its tasks, and how much of that may be in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.disk.database import delete_state


@dataclass(frozen=True, slots=True)
class StateHome:
    """The state of all queries below `folder`; a process has one `budget`."""

    folder: Path
    budget: StateBudget = field(default_factory=StateBudget)

    def task(self, query: str, subtopology: int, partition: int) -> Path:
        """Returns the folder of a task, named as by Kafka Streams."""
        return self._query(query) / f"{subtopology}_{partition}"

    def delete(self, query: str) -> None:
        """Deletes the state of a query, if it has any."""
        delete_state(self._query(query))

    def _query(self, query: str) -> Path:
        return self.folder / quote(query, safe="")
