"""Which ksqlDB statements change something on the server, and their entries in the log of actions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bifrost.clients.ksqldb_errors import message_of
from bifrost.errors import BifrostError
from bifrost.operations.action_log import ActionLog, Outcome
from bifrost.redaction import redact_text
from bifrost.sql.tree import (
    AssertSchema,
    AssertTopic,
    CreateConnector,
    DefineVariable,
    DescribeConnector,
    DescribeFunction,
    DescribeSource,
    DescribeSources,
    Explain,
    ParsedStatement,
    PrintTopic,
    Query,
    RunScript,
    SetProperty,
    Show,
    Spool,
    Statement,
    UndefineVariable,
    UnsetProperty,
)

ACTION = "ksqldb.statement"
LONGEST_HEADLINE = 60
_READS = (
    Show,
    Explain,
    DescribeSource,
    DescribeSources,
    DescribeFunction,
    DescribeConnector,
    AssertTopic,
    AssertSchema,
    PrintTopic,
    Query,
)
_OF_THE_CLIENT = (SetProperty, UnsetProperty, DefineVariable, UndefineVariable, RunScript, Spool)
"""These concern the shell or page that sends statements. Those of a script count for themselves."""


def is_change(tree: Statement) -> bool:
    """Whether a statement changes something on the server."""
    return not isinstance(tree, (*_READS, *_OF_THE_CLIENT))


def shown_text(statement: ParsedStatement) -> str:
    """A statement as logs may hold it: connectors without their configuration, others without what looks secret."""
    match statement.tree:
        case CreateConnector(kind=kind, name=name):
            return f"CREATE {kind.value} CONNECTOR {name} WITH (...);"
        case _:
            return redact_text(statement.text)


def headline(text: str) -> str:
    """The beginning of a statement on one line: what it does, and to which name."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_HEADLINE else f"{line[: LONGEST_HEADLINE - 3]}..."


@contextmanager
def logged_statement(log: ActionLog, who: str, statement: ParsedStatement) -> Iterator[None]:
    """Log a statement that changes something, which the block sends. Others are not logged.

    Raises:
        OperationRefused: the log cannot be written; the statement must not be sent.
    """
    if not is_change(statement.tree):
        yield
        return
    shown = shown_text(statement)
    begun = log.begin(who, ACTION, headline(shown), (shown,))
    try:
        yield
    except BaseException as error:
        cause = message_of(error) if isinstance(error, BifrostError) else type(error).__name__
        log.end(begun, Outcome.FAILED, cause)
        raise
    log.end(begun, Outcome.DONE, "")
