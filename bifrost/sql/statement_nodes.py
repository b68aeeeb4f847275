"""Nodes of statements. Import them from `bifrost.sql.tree`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from bifrost.sql.expression_nodes import Expression, Literal, Node
from bifrost.sql.query_nodes import Duration, Query
from bifrost.sql.types import SqlType


class SourceKind(Enum):
    """The kind of a source."""

    STREAM = "STREAM"
    TABLE = "TABLE"


class Constraint(Enum):
    """The part of a record that a column is stored in, as written after its type."""

    KEY = "KEY"
    PRIMARY_KEY = "PRIMARY KEY"
    HEADERS = "HEADERS"
    HEADER = "HEADER"


class ConnectorKind(Enum):
    """The direction in which a connector moves records."""

    SOURCE = "SOURCE"
    SINK = "SINK"


class Subject(Enum):
    """What SHOW (or LIST) lists; the value is its spelling."""

    PROPERTIES = "PROPERTIES"
    TOPICS = "TOPICS"
    ALL_TOPICS = "ALL TOPICS"
    STREAMS = "STREAMS"
    TABLES = "TABLES"
    FUNCTIONS = "FUNCTIONS"
    CONNECTORS = "CONNECTORS"
    SOURCE_CONNECTORS = "SOURCE CONNECTORS"
    SINK_CONNECTORS = "SINK CONNECTORS"
    CONNECTOR_PLUGINS = "CONNECTOR PLUGINS"
    TYPES = "TYPES"
    VARIABLES = "VARIABLES"
    QUERIES = "QUERIES"


@dataclass(frozen=True, slots=True)
class Properties(Mapping[str, Literal]):
    """The properties of a WITH clause, in the order written; the order does not count for equality.

    Names are in upper case; those of connectors are as written.
    """

    entries: Mapping[str, Literal] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, name: str) -> Literal:
        return self.entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __hash__(self) -> int:
        return hash(frozenset(self.entries.items()))

    def adding(self, more: Mapping[str, Literal]) -> Properties:
        """These properties and those of `more`, which take precedence."""
        return Properties(MappingProxyType({**self.entries, **more}))


NO_PROPERTIES = Properties()


@dataclass(frozen=True, slots=True)
class TableElement(Node):
    """A column of CREATE STREAM|TABLE; `header` is the header's name for HEADER('x')."""

    name: str
    type: SqlType
    constraint: Constraint | None = None
    header: str | None = None


@dataclass(frozen=True, slots=True)
class CreateSource(Node):
    """CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name (elements) WITH (properties)."""

    kind: SourceKind
    name: str
    elements: tuple[TableElement, ...] = ()
    properties: Properties = NO_PROPERTIES
    or_replace: bool = False
    if_not_exists: bool = False
    is_source: bool = False  # CREATE SOURCE ...: read-only


@dataclass(frozen=True, slots=True)
class CreateAsSelect(Node):
    """CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name WITH (properties) AS query."""

    kind: SourceKind
    name: str
    query: Query
    properties: Properties = NO_PROPERTIES
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class InsertSelect(Node):
    """INSERT INTO target [WITH (QUERY_ID='...')] query."""

    target: str
    query: Query
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class InsertValues(Node):
    """INSERT INTO target [(columns)] VALUES (values)."""

    target: str
    columns: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class DropSource(Node):
    """DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]."""

    kind: SourceKind
    name: str
    if_exists: bool = False
    delete_topic: bool = False


@dataclass(frozen=True, slots=True)
class AddColumn(Node):
    """ADD COLUMN name type."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class AlterSource(Node):
    """ALTER STREAM|TABLE name ADD COLUMN ..., ..."""

    kind: SourceKind
    name: str
    additions: tuple[AddColumn, ...]


@dataclass(frozen=True, slots=True)
class CreateType(Node):
    """CREATE TYPE [IF NOT EXISTS] name AS type."""

    name: str
    type: SqlType
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropType(Node):
    """DROP TYPE [IF EXISTS] name."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateConnector(Node):
    """CREATE SOURCE|SINK CONNECTOR [IF NOT EXISTS] name WITH (properties)."""

    kind: ConnectorKind
    name: str
    properties: Properties
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropConnector(Node):
    """DROP CONNECTOR [IF EXISTS] name."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DescribeSource(Node):
    """DESCRIBE name [EXTENDED]."""

    name: str
    extended: bool = False


@dataclass(frozen=True, slots=True)
class DescribeSources(Node):
    """DESCRIBE STREAMS|TABLES [EXTENDED]."""

    kind: SourceKind
    extended: bool = False


@dataclass(frozen=True, slots=True)
class DescribeFunction(Node):
    """DESCRIBE FUNCTION name."""

    name: str


@dataclass(frozen=True, slots=True)
class DescribeConnector(Node):
    """DESCRIBE CONNECTOR name."""

    name: str


@dataclass(frozen=True, slots=True)
class Show(Node):
    """SHOW or LIST subject [EXTENDED]."""

    subject: Subject
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Explain(Node):
    """EXPLAIN query id, or EXPLAIN statement: exactly one of the two is set."""

    query_id: str | None = None
    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class PrintTopic(Node):
    """PRINT topic [FROM BEGINNING] [INTERVAL n] [LIMIT n]."""

    topic: str
    from_beginning: bool = False
    interval: int | None = None  # every nth record
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SetProperty(Node):
    """SET 'name'='value'."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class UnsetProperty(Node):
    """UNSET 'name'."""

    name: str


@dataclass(frozen=True, slots=True)
class AlterSystem(Node):
    """ALTER SYSTEM 'name'='value'."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class DefineVariable(Node):
    """DEFINE name = 'value'."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class UndefineVariable(Node):
    """UNDEFINE name."""

    name: str


@dataclass(frozen=True, slots=True)
class TerminateQuery(Node):
    """TERMINATE query id; None means ALL."""

    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class PauseQuery(Node):
    """PAUSE query id; None means ALL."""

    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResumeQuery(Node):
    """RESUME query id; None means ALL."""

    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class AssertTopic(Node):
    """ASSERT [NOT EXISTS] TOPIC topic [WITH (PARTITIONS=..., REPLICAS=...)] [TIMEOUT duration]."""

    topic: str
    properties: Properties = NO_PROPERTIES
    timeout: Duration | None = None
    exists: bool = True


@dataclass(frozen=True, slots=True)
class AssertSchema(Node):
    """ASSERT [NOT EXISTS] SCHEMA [SUBJECT subject] [ID id] [TIMEOUT duration]."""

    subject: str | None = None
    id: int | None = None
    timeout: Duration | None = None
    exists: bool = True


@dataclass(frozen=True, slots=True)
class AssertValues(Node):
    """ASSERT VALUES source (columns) VALUES (values): only in test files."""

    source: str
    columns: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AssertTombstone(Node):
    """ASSERT NULL VALUES source (columns) KEY (values): only in test files."""

    source: str
    columns: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AssertSource(Node):
    """ASSERT STREAM|TABLE name (elements) WITH (properties): only in test files."""

    kind: SourceKind
    name: str
    elements: tuple[TableElement, ...] = ()
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class RunScript(Node):
    """RUN SCRIPT 'path': only in the shell and in test files."""

    path: str


@dataclass(frozen=True, slots=True)
class Spool(Node):
    """SPOOL 'path' or SPOOL OFF (None): only in the shell."""

    path: str | None = None


Statement = (
    Query
    | CreateSource
    | CreateAsSelect
    | InsertSelect
    | InsertValues
    | DropSource
    | AlterSource
    | CreateType
    | DropType
    | CreateConnector
    | DropConnector
    | DescribeSource
    | DescribeSources
    | DescribeFunction
    | DescribeConnector
    | Show
    | Explain
    | PrintTopic
    | SetProperty
    | UnsetProperty
    | AlterSystem
    | DefineVariable
    | UndefineVariable
    | TerminateQuery
    | PauseQuery
    | ResumeQuery
    | AssertTopic
    | AssertSchema
    | AssertValues
    | AssertTombstone
    | AssertSource
    | RunScript
    | Spool
)


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """One statement of a script: `text` is as written, with its `;` and without comments before it."""

    text: str
    tree: Statement
    line: int  # of its first character in the script, from 1
    column: int
