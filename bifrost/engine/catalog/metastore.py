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

    `statement` is the completed text of the statement that created it (as ksqlDB's DESCRIBE EXTENDED prints it).
    `created_by` is the id of the persistent query that writes it (CSAS/CTAS), None for a plain CREATE. `read_only`
    marks CREATE SOURCE. `partitions` is the topic's partition count when the source was created.
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
    """Sources and custom types by name. The engine changes it under its lock; any thread may read."""

    sources: dict[str, DataSource] = field(default_factory=dict)
    types: dict[str, SqlType] = field(default_factory=dict)
    links: dict[str, frozenset[str]] = field(default_factory=dict)
    """The sources that each CSAS/CTAS sink reads, by sink: they cannot be dropped before the sink."""

    def find(self, name: str) -> DataSource | None:
        """The source of that name, or None."""
        return self.sources.get(name)

    def put(self, source: DataSource, made_from: frozenset[str] = frozenset()) -> None:
        """Adds or replaces a source; `made_from` are the sources that it reads."""
        self.sources[source.name] = source
        self.links[source.name] = made_from

    def drop(self, name: str) -> None:
        """Removes a source."""
        del self.sources[name]
        self.links.pop(name, None)

    def clear(self) -> None:
        """Removes all sources and types."""
        self.sources.clear()
        self.types.clear()
        self.links.clear()

    def users_of(self, name: str) -> tuple[str, ...]:
        """The names of the sinks that read this source, sorted."""
        # The tuple is a copy: another thread may change the links meanwhile.
        return tuple(sorted(sink for sink, origins in tuple(self.links.items()) if name in origins and sink != name))

    def copy(self) -> MetaStore:
        """An independent copy, on which statements can be tried."""
        return MetaStore(dict(self.sources), dict(self.types), dict(self.links))

    def __iter__(self) -> Iterator[DataSource]:
        # A copy: the engine may add or drop a source while another thread iterates.
        return iter(tuple(self.sources.values()))
