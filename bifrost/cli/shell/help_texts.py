"""The shell's help: one page per statement, and a list of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from bifrost.sql.tree import (
    AlterSource,
    AlterSystem,
    AssertSchema,
    AssertSource,
    AssertTombstone,
    AssertTopic,
    AssertValues,
    CreateAsSelect,
    CreateConnector,
    CreateSource,
    CreateType,
    DefineVariable,
    DescribeConnector,
    DescribeFunction,
    DescribeSource,
    DescribeSources,
    DropConnector,
    DropSource,
    DropType,
    Explain,
    InsertSelect,
    InsertValues,
    Node,
    PauseQuery,
    PrintTopic,
    Query,
    ResumeQuery,
    RunScript,
    SetProperty,
    Show,
    Spool,
    TerminateQuery,
    UndefineVariable,
    UnsetProperty,
)

STATEMENTS: Mapping[str, tuple[tuple[type[Node], ...], str, str]] = {
    "SELECT": (
        (Query,),
        "SELECT expression [AS alias], ... FROM source [alias]\n"
        "  [[LEFT | RIGHT | FULL OUTER | INNER] JOIN source [WITHIN size unit [GRACE PERIOD size unit]] ON condition]\n"
        "  [WINDOW TUMBLING | HOPPING | SESSION (...)] [WHERE condition] [GROUP BY ...] [PARTITION BY ...]\n"
        "  [HAVING condition] [EMIT CHANGES | EMIT FINAL] [LIMIT count];",
        "Query a stream or table: with EMIT a push query, which runs until Ctrl-C; without it a pull query.",
    ),
    "CREATE STREAM": (
        (CreateSource,),
        "CREATE [OR REPLACE] [SOURCE] STREAM [IF NOT EXISTS] name (column type [KEY | HEADERS | HEADER('key')], ...)\n"
        "  WITH (KAFKA_TOPIC='topic', VALUE_FORMAT='format', ...);",
        "Declare a stream over a topic.",
    ),
    "CREATE TABLE": (
        (CreateSource,),
        "CREATE [OR REPLACE] [SOURCE] TABLE [IF NOT EXISTS] name (column type [PRIMARY KEY], ...)\n"
        "  WITH (KAFKA_TOPIC='topic', VALUE_FORMAT='format', ...);",
        "Declare a table over a topic; SOURCE makes it queryable and read-only.",
    ),
    "CREATE STREAM AS SELECT": (
        (CreateAsSelect,),
        "CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name [WITH (property=value, ...)] AS SELECT ...;",
        "Write the results of a query to a new stream, from now on.",
    ),
    "CREATE TABLE AS SELECT": (
        (CreateAsSelect,),
        "CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name [WITH (property=value, ...)] AS SELECT ...;",
        "Keep the results of an aggregation or a query of a table in a new table.",
    ),
    "INSERT INTO": (
        (InsertSelect,),
        "INSERT INTO stream [WITH (QUERY_ID='id')] SELECT ...;",
        "Write the results of a query to a stream that exists.",
    ),
    "INSERT VALUES": (
        (InsertValues,),
        "INSERT INTO source [(column, ...)] VALUES (value, ...);",
        "Write one record.",
    ),
    "DROP STREAM": ((DropSource,), "DROP STREAM [IF EXISTS] name [DELETE TOPIC];", "Remove a stream."),
    "DROP TABLE": ((DropSource,), "DROP TABLE [IF EXISTS] name [DELETE TOPIC];", "Remove a table."),
    "ALTER STREAM": ((AlterSource,), "ALTER STREAM name ADD COLUMN column type, ...;", "Add columns to a stream."),
    "ALTER TABLE": ((AlterSource,), "ALTER TABLE name ADD COLUMN column type, ...;", "Add columns to a table."),
    "CREATE TYPE": ((CreateType,), "CREATE TYPE [IF NOT EXISTS] name AS type;", "Name a type."),
    "DROP TYPE": ((DropType,), "DROP TYPE [IF EXISTS] name;", "Remove a custom type."),
    "CREATE CONNECTOR": (
        (CreateConnector,),
        "CREATE SOURCE | SINK CONNECTOR [IF NOT EXISTS] name WITH ('key'='value', ...);",
        "Create a connector in Kafka Connect.",
    ),
    "DROP CONNECTOR": ((DropConnector,), "DROP CONNECTOR [IF EXISTS] name;", "Delete a connector."),
    "DESCRIBE": (
        (DescribeSource,),
        "DESCRIBE name [EXTENDED];",
        "Show the columns of a stream or table; with EXTENDED also queries, statistics and consumer groups.",
    ),
    "DESCRIBE STREAMS": ((DescribeSources,), "DESCRIBE STREAMS [EXTENDED];", "Describe all streams."),
    "DESCRIBE TABLES": ((DescribeSources,), "DESCRIBE TABLES [EXTENDED];", "Describe all tables."),
    "DESCRIBE FUNCTION": ((DescribeFunction,), "DESCRIBE FUNCTION name;", "Show a function and its variations."),
    "DESCRIBE CONNECTOR": ((DescribeConnector,), "DESCRIBE CONNECTOR name;", "Show a connector with its tasks."),
    "SHOW": (
        (Show,),
        "SHOW | LIST STREAMS | TABLES | TOPICS | QUERIES [EXTENDED];\n"
        "SHOW | LIST FUNCTIONS | TYPES | PROPERTIES | VARIABLES | CONNECTORS | CONNECTOR PLUGINS;\n"
        "SHOW | LIST ALL TOPICS;",
        "List what exists.",
    ),
    "EXPLAIN": ((Explain,), "EXPLAIN query_id | statement;", "Show how a query is carried out, and its errors."),
    "PRINT": (
        (PrintTopic,),
        "PRINT topic [FROM BEGINNING] [INTERVAL count] [LIMIT count];",
        "Print the records of a topic as they come, until Ctrl-C.",
    ),
    "SET": ((SetProperty,), "SET 'property'='value';", "Set a property for the statements that follow."),
    "UNSET": ((UnsetProperty,), "UNSET 'property';", "Reset a property."),
    "ALTER SYSTEM": ((AlterSystem,), "ALTER SYSTEM 'property'='value';", "Change a property of the server."),
    "DEFINE": ((DefineVariable,), "DEFINE name = 'value';", "Define a variable, which statements use as ${name}."),
    "UNDEFINE": ((UndefineVariable,), "UNDEFINE name;", "Remove a variable."),
    "TERMINATE": ((TerminateQuery,), "TERMINATE query_id | ALL;", "End a persistent query."),
    "PAUSE": ((PauseQuery,), "PAUSE query_id | ALL;", "Pause a persistent query."),
    "RESUME": ((ResumeQuery,), "RESUME query_id | ALL;", "Resume a paused query."),
    "ASSERT TOPIC": (
        (AssertTopic,),
        "ASSERT [NOT EXISTS] TOPIC topic [WITH (property=value, ...)] [TIMEOUT size unit];",
        "Wait until a topic exists, or fail.",
    ),
    "ASSERT SCHEMA": (
        (AssertSchema,),
        "ASSERT [NOT EXISTS] SCHEMA [SUBJECT 'subject'] [ID id] [TIMEOUT size unit];",
        "Wait until a schema exists, or fail.",
    ),
    "ASSERT VALUES": (
        (AssertValues, AssertTombstone, AssertSource),
        "ASSERT VALUES source (column, ...) VALUES (value, ...);\n"
        "ASSERT NULL VALUES source (column, ...) KEY (value, ...);\n"
        "ASSERT STREAM | TABLE name (column type, ...) WITH (...);",
        "Check results; in test files only (`deploy.py test`).",
    ),
    "RUN SCRIPT": ((RunScript,), "RUN SCRIPT 'path';", "Run the statements of a file."),
    "SPOOL": ((Spool,), "SPOOL 'path' | OFF;", "Also write all results to a file."),
}
"""Syntax tree nodes, syntax and purpose of each statement, by its name."""

COMMANDS: Mapping[str, tuple[str, str]] = {
    "help": ("help [statement]", "List all statements, or show one."),
    "history": ("history", "List what was run in this shell."),
    "output": (
        "output [TABULAR | VERTICAL | JSON]",
        "Show or set how results are printed; `\\G` in place of `;` prints the rows of one query vertically.",
    ),
    "set cli": (
        "SET CLI WRAP ON | OFF;  SET CLI COLUMN-WIDTH count;",
        "Wrap long values in rows of queries, or cut them; the width of each column (0: share the screen).",
    ),
    "version": ("version", "Show the versions of this shell and of the server."),
    "server": ("server", "Show the server's address and state."),
    "clear": ("clear", "Clear the screen."),
    "exit": ("exit", "End the shell (also quit, or Ctrl-D)."),
}
"""Syntax and purpose of the shell's own commands; they need no `;`."""


def help_lines(topic: str) -> Iterator[str]:
    """The page of a statement or command, or the list of all when `topic` is empty."""
    wanted = " ".join(topic.upper().split())
    if not wanted:
        yield from _overview()
        return
    pages = {name: (syntax, purpose) for name, (_, syntax, purpose) in STATEMENTS.items()}
    pages |= {name.upper(): page for name, page in COMMANDS.items()}
    wanted = f"SHOW{wanted.removeprefix('LIST')}" if wanted.split()[0] == "LIST" else wanted
    names = [name for name in pages if name == wanted or name.startswith(f"{wanted} ")]
    names = names or [name for name in pages if wanted.startswith(f"{name} ")][-1:]
    for name in names:
        syntax, purpose = pages[name]
        yield name
        yield f"  {purpose}"
        yield from (f"    {line}" for line in syntax.splitlines())
        yield ""
    if not names:
        close = get_close_matches(wanted, pages, n=1)
        yield f"No help for {wanted}{f'; did you mean {close[0]}?' if close else ''}. `help` lists all statements."


def _overview() -> Iterator[str]:
    yield "Statements end with `;` and may have several lines. `help STATEMENT` shows the syntax of one."
    yield ""
    for name, (_, _, purpose) in STATEMENTS.items():
        yield f"  {name:<24} {purpose}"
    yield ""
    yield "Commands of the shell need no `;`:"
    yield ""
    for name, (_, purpose) in COMMANDS.items():
        yield f"  {name:<24} {purpose}"
    yield ""
    yield "Keys: Tab completes names and keywords, Ctrl-R searches the history, Ctrl-C ends a push query, Ctrl-D exits."
