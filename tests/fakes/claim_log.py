"""The log of deployers' claims, in memory; several readers share one."""

from __future__ import annotations

from dataclasses import dataclass, field

from bifrost.clients.topic_log import KeyedText
from bifrost.errors import RemoteError


@dataclass
class SharedEntries:
    entries: list[KeyedText] = field(default_factory=list)

    def compact(self) -> None:
        """Keep the last entry of each key, as Kafka does some day."""
        last = {entry.key: entry for entry in self.entries}
        self.entries = sorted((entry for entry in last.values()), key=lambda entry: entry.offset)


@dataclass
class FakeClaimLog:
    shared: SharedEntries = field(default_factory=SharedEntries)
    problem: RemoteError | None = None
    position: int = 0

    def read_new(self) -> list[KeyedText]:
        if self.problem is not None:
            raise self.problem
        found = [entry for entry in self.shared.entries if entry.offset >= self.position]
        self.position = found[-1].offset + 1 if found else self.position
        return found

    def append(self, key: str, value: str | None) -> int:
        if self.problem is not None:
            raise self.problem
        offset = self.shared.entries[-1].offset + 1 if self.shared.entries else 0
        self.shared.entries.append(KeyedText(offset, key, value))
        return offset

    def close(self) -> None:
        """Nothing to close."""
