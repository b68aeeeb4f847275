"""The named streams, tables and custom types that statements refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bifrost.engine.catalog.schema import Formats, LogicalSchema, TimestampColumn
from bifrost.sql.tree import SourceKind
from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class DataSource:
    """A stream or table over a topic.

    `statement` is the filled-in text that made it (as ksqlDB's DESCRIBE EXTENDED prints); `created_by` is the id of the
    persistent query that writes it (CSAS/CTAS), None for plain CREATE; `read_only` is CREATE SOURCE; `partitions` is
    what was known of the topic when it was made.
    """

    name: str
    kind: SourceKind
    schema: LogicalSchema
    topic: str
    formats: Formats
    statement: str
    timestamp: TimestampColumn | None = None
    created_by: str | None = None
    read_only: bool = False
    partitions: int = 1

    @property
    def is_windowed(self) -> bool:
        """Whether its keys carry a window."""
        return self.formats.key.window is not None


@dataclass(slots=True)
class MetaStore:
    """Sources and custom types by name. Not thread-safe: the engine changes it under its own lock, readers copy."""

    sources: dict[str, DataSource] = field(default_factory=dict)
    types: dict[str, SqlType] = field(default_factory=dict)
    links: dict[str, frozenset[str]] = field(default_factory=dict)
    """Names that a CSAS/CTAS/INSERT sink was made from, by sink: these may not be dropped before it."""

    def find(self, name: str) -> DataSource | None:
        """The source of that name, or None."""
        return self.sources.get(name)

    def put(self, source: DataSource, made_from: frozenset[str] = frozenset()) -> None:
        """Adds or replaces a source."""
        self.sources[source.name] = source
        self.links[source.name] = made_from

    def drop(self, name: str) -> None:
        """Forgets a source."""
        del self.sources[name]
        self.links.pop(name, None)

    def clear(self) -> None:
        """Forgets everything."""
        self.sources.clear()
        self.types.clear()
        self.links.clear()

    def users_of(self, name: str) -> tuple[str, ...]:
        """Sources that were made from this one."""
        return tuple(sorted(sink for sink, origins in self.links.items() if name in origins and sink != name))

    def copy(self) -> MetaStore:
        """An independent copy, to try statements on."""
        return MetaStore(dict(self.sources), dict(self.types), dict(self.links))

    def __iter__(self) -> Iterator[DataSource]:
        return iter(tuple(self.sources.values()))
