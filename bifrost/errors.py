"""What can go wrong, by who must act.

    BifrostError
      SettingError          the operator: a setting is missing or wrong
      DeclarationError      the author of a file: bad JSON, bad name, duplicate
      StatementError        the author of a statement
        ParseError            not the language
        AnalysisError         the language, but it means nothing here
        UnsupportedError      meant something, but this engine cannot do it
      RemoteError           an outside system
        Unreachable           no answer within the deadline
        Refused               it answered, and said no
        NotReady              it answered, but is not there yet
      PlanRefused           the deployer will not do this unasked
      ComponentError        a supervised process died or never became ready
      RecordError           one record cannot be read or processed
      StateError            a store or its changelog is unusable

A message says what failed, on which named thing, and what to do next. Programs catch `BifrostError` once, in `main`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EX_CONFIG = 78
"""Exit code (sysexits.h) of a program that a setting stops: trying again is of no use; its last line says why."""


class BifrostError(Exception):
    """Anything that is expected to go wrong and is shown to a person without a traceback."""


class SettingError(BifrostError):
    """A setting is missing or has a value that cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class DeclarationError(BifrostError):
    """A declaration file (connector, topic, schema, statements) is wrong."""

    def __init__(self, path: Path, problem: str, *, line: int | None = None) -> None:
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class StatementError(BifrostError):
    """A statement cannot be accepted; `statement` is its text as sent."""

    def __init__(self, message: str, statement: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.statement = statement


class ParseError(StatementError):
    """The text is not the language; `line` and `column` count from 1 and begin the message, as ksqlDB's do.

    `near` is the keyword that did not fit, or nothing; `summary` says no more than the place, as ksqlDB's log does.
    """

    def __init__(self, message: str, statement: str = "", *, line: int, column: int, near: str = "") -> None:
        super().__init__(f"line {line}:{column}: {message}", statement)
        self.line = line
        self.column = column
        self.near = near

    @property
    def summary(self) -> str:
        """The error without any text of the user: only place and keyword."""
        near = f"or near '{self.near}' at " if self.near else ""
        return f"line {self.line}:{self.column}: Syntax error at {near}line {self.line}:{self.column}"


class AnalysisError(StatementError):
    """The statement names something unknown or combines what does not fit.

    `line` and `column` (from 1) are given where the statement is one of a script.
    """

    def __init__(
        self, message: str, statement: str = "", *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, statement)
        self.line = line
        self.column = column


class UnsupportedError(StatementError):
    """The statement is ksqlDB's, but this engine does not do it."""


class RemoteError(BifrostError):
    """An outside system failed; `system` names it, `request` says what was asked."""

    def __init__(self, system: str, request: str, problem: str) -> None:
        super().__init__(f"{system}: {request}: {problem}")
        self.system = system
        self.request = request
        self.problem = problem


class Unreachable(RemoteError):
    """The system did not answer within the deadline."""


class Refused(RemoteError):
    """The system answered with an error; `status` is the HTTP status (or 0), `body` its answer with secrets removed."""

    def __init__(self, system: str, request: str, *, status: int, body: str) -> None:
        super().__init__(system, request, f"{status} {body}".strip() if status else body)
        self.status = status
        self.body = body


class NotReady(RemoteError):
    """The system answers, but what was waited for did not come."""


class PlanRefused(BifrostError):
    """The deployer will not carry out part of a plan; `commands` are the steps to do it by hand."""

    def __init__(self, message: str, commands: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.commands = tuple(commands)


class ComponentError(BifrostError):
    """A supervised process died or never became ready."""

    def __init__(self, component: str, problem: str, *, log: Path | None = None) -> None:
        where = f" (log: {log})" if log is not None else ""
        super().__init__(f"{component}: {problem}{where}")
        self.component = component
        self.problem = problem
        self.log = log


class RecordError(BifrostError):
    """One record cannot be read, processed or written."""

    def __init__(self, problem: str, *, topic: str, partition: int = -1, offset: int = -1) -> None:
        super().__init__(f"{topic}-{partition}@{offset}: {problem}")
        self.problem = problem
        self.topic = topic
        self.partition = partition
        self.offset = offset


class StateError(BifrostError):
    """A state store or its changelog is unusable."""


class QueryElsewhere(StatementError):
    """A query was sent where only statements are taken, as ksqlDB's /ksql refuses it."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            "The following statement types should be issued to the websocket endpoint '/query':\n\t* PRINT\n\t* SELECT",
            statement,
        )


class NotAQuery(StatementError):
    """Something else was sent where a query is taken, as ksqlDB's /query refuses it."""

    def __init__(self, statement: str) -> None:
        kind = "io.confluent.ksql.parser.KsqlParser$PreparedStatement"
        super().__init__(f"Statement type `{kind}' not supported for this resource", statement)


class PropertyError(StatementError):
    """A property that no part of ksqlDB knows."""


class MissingTopic(AnalysisError):
    """A statement over a topic that is not there, without saying how to make it."""


class AssertionMissed(StatementError):
    """An ASSERT that did not come true in time."""
