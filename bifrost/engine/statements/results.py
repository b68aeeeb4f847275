"""The results of statements, as data; the server converts them to ksqlDB's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.functions.library import Declaration
from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.statements.figures import Figure
from bifrost.sql.tree import SourceKind
from bifrost.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A statement that changed the engine; `sequence` is its offset in the command topic."""

    statement: str
    command_id: str
    message: str
    sequence: int
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class TerminateResult:
    """TERMINATE of a push query, which is no command: the query ends with its connection anyway."""

    statement: str
    query_id: str


@dataclass(frozen=True, slots=True)
class WarningResult:
    """A statement with IF [NOT] EXISTS that changed nothing, or SET of a property without effect."""

    statement: str
    message: str


@dataclass(frozen=True, slots=True)
class QueryInfo:
    """A query as SHOW QUERIES lists it."""

    id: str
    statement: str
    kind: str  # PERSISTENT or PUSH
    state: str
    sinks: tuple[str, ...]
    sink_topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryList:
    """SHOW QUERIES."""

    statement: str
    queries: tuple[QueryInfo, ...]


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task: its id (`<sub-topology>_<partition>`) and (topic, partition) -> (position, end offset) of its inputs."""

    id: str
    places: Mapping[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class QueryDescription:
    """A query as EXPLAIN and SHOW QUERIES EXTENDED describe it."""

    info: QueryInfo
    schema: LogicalSchema
    window: str | None
    sources: tuple[str, ...]
    topology: str
    plan: str
    properties: Mapping[str, Any]
    group: str
    errors: tuple[tuple[int, str, str], ...] = ()  # epoch ms, message, class of cause
    tasks: tuple[TaskInfo, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryDescriptions:
    """EXPLAIN (one) or SHOW QUERIES EXTENDED (many)."""

    statement: str
    queries: tuple[QueryDescription, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class SourceList:
    """SHOW STREAMS or SHOW TABLES."""

    statement: str
    kind: SourceKind
    sources: tuple[DataSource, ...]


@dataclass(frozen=True, slots=True)
class MeterReading:
    """A meter's values: records, bytes, recent records per second, and the time of the last record (epoch ms)."""

    messages: int
    size: int
    rate: float
    last_ms: int


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """Meters of a source's topic, from the queries that read and write it; None if they saw no record."""

    consumed: MeterReading | None = None
    produced: MeterReading | None = None
    failed: int = 0
    last_failed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class QueryOffsets:
    """The offsets of a query's consumer group: (topic, partition) -> (position, end offset)."""

    group: str
    places: Mapping[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """DESCRIBE of one source; the last four fields are set only for EXTENDED."""

    source: DataSource
    readers: tuple[QueryInfo, ...]
    writers: tuple[QueryInfo, ...]
    constraints: tuple[str, ...]
    extended: bool = False
    partitions: int = 0
    replicas: int = 0
    statistics: SourceStatistics = SourceStatistics()
    offsets: tuple[QueryOffsets, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescriptions:
    """DESCRIBE name (one) or DESCRIBE STREAMS|TABLES, SHOW STREAMS|TABLES EXTENDED (many)."""

    statement: str
    sources: tuple[SourceDescription, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """A topic as SHOW TOPICS lists it."""

    name: str
    replicas: tuple[int, ...]
    consumers: int = 0
    groups: int = 0


@dataclass(frozen=True, slots=True)
class TopicList:
    """SHOW [ALL] TOPICS [EXTENDED]."""

    statement: str
    topics: tuple[TopicEntry, ...]
    extended: bool


@dataclass(frozen=True, slots=True)
class FunctionList:
    """SHOW FUNCTIONS."""

    statement: str
    functions: FunctionRegistry


@dataclass(frozen=True, slots=True)
class FunctionDescription:
    """DESCRIBE FUNCTION."""

    statement: str
    function: Declaration


@dataclass(frozen=True, slots=True)
class PropertyEntry:
    """A property as SHOW PROPERTIES lists it; `level` is SERVER or QUERY, `effect` is that of its rule."""

    name: str
    value: str | None
    level: str = "SERVER"
    is_editable: bool = False
    is_default: bool = False
    is_overwritten: bool = False
    effect: str = "ignored"


@dataclass(frozen=True, slots=True)
class PropertyList:
    """SHOW PROPERTIES."""

    statement: str
    properties: tuple[PropertyEntry, ...]


@dataclass(frozen=True, slots=True)
class TypeList:
    """SHOW TYPES."""

    statement: str
    types: Mapping[str, SqlType]


@dataclass(frozen=True, slots=True)
class VariableList:
    """SHOW VARIABLES."""

    statement: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConnectorAnswer:
    """A connector statement: `kind` is ksqlDB's `@type`, `body` is Connect's response in ksqlDB's format."""

    statement: str
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """ASSERT TOPIC or ASSERT SCHEMA that held."""

    statement: str
    body: Mapping[str, Any]
    kind: str


Result = (
    CommandResult
    | TerminateResult
    | WarningResult
    | QueryList
    | QueryDescriptions
    | SourceList
    | SourceDescriptions
    | TopicList
    | FunctionList
    | FunctionDescription
    | PropertyList
    | TypeList
    | VariableList
    | ConnectorAnswer
    | AssertionResult
)
