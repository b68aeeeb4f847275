"""Every error that Bifrost expects, grouped by who must act on it.

    BifrostError
      SettingError          the operator: a setting is missing or wrong
      DeclarationError      the author of a file: bad JSON, bad name, duplicate
      StatementError        the author of a statement
        ParseError            a syntax error
        AnalysisError         valid syntax, but an unknown name or types that do not fit
        UnsupportedError      valid in ksqlDB, but not supported by this engine
      RemoteError           an outside system
        Unreachable           no answer within the deadline
        Refused               it answered with an error
        NotReady              it answers, but is not ready within the deadline
      PlanRefused           the deployer does not carry out this change by itself
      OperationRefused      a person asked for something that cannot be done, or did not confirm it
      ComponentError        a supervised process died or never became ready
      StateError            a store or its changelog is unusable

A message says what failed, on which named thing, why, and what to do next. Programs catch `BifrostError` once, in
`main`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

EX_CONFIG = 78
"""Exit code (sysexits.h) of a program stopped by a wrong setting: a restart does not help; its last line says why."""


class BifrostError(Exception):
    """Base of all expected errors; programs print its message without a traceback."""


class SettingError(BifrostError):
    """A setting is missing or its value is invalid; `name` is the setting or `<file>:<line>` of `.env`."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class DeclarationError(BifrostError):
    """A declaration file (connector, topic, schema, statements, alert) is invalid; `line` counts from 1."""

    def __init__(self, path: Path, problem: str, *, line: int | None = None) -> None:
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class StatementError(BifrostError):
    """A statement is rejected; `statement` is its text as the client sent it."""

    def __init__(self, message: str, statement: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.statement = statement


class ParseError(StatementError):
    """A syntax error. `line` and `column` count from 1 and begin the message, as in ksqlDB's messages.

    `near` is the unexpected keyword, or empty.
    """

    def __init__(self, message: str, statement: str = "", *, line: int, column: int, near: str = "") -> None:
        super().__init__(f"line {line}:{column}: {message}", statement)
        self.line = line
        self.column = column
        self.near = near

    @property
    def summary(self) -> str:
        """Position and keyword without any of the statement's text, which may hold secrets, as ksqlDB logs it."""
        near = f"or near '{self.near}' at " if self.near else ""
        return f"line {self.line}:{self.column}: Syntax error at {near}line {self.line}:{self.column}"


class AnalysisError(StatementError):
    """The statement names something unknown, or its types do not fit.

    `line` and `column` count from 1; they are set if the statement is part of a script.
    """

    def __init__(
        self, message: str, statement: str = "", *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, statement)
        self.line = line
        self.column = column


class UnsupportedError(StatementError):
    """The statement is valid in ksqlDB, but this engine does not support it."""


class RemoteError(BifrostError):
    """An outside system failed. `system` is its name, `request` the request, such as `GET /connectors`."""

    def __init__(self, system: str, request: str, problem: str) -> None:
        super().__init__(f"{system}: {request}: {problem}")
        self.system = system
        self.request = request
        self.problem = problem


class Unreachable(RemoteError):
    """The system did not answer within the deadline."""


class Refused(RemoteError):
    """The system answered with an error. `status` is the HTTP status, or 0; `body` is its answer without secrets."""

    def __init__(self, system: str, request: str, *, status: int, body: str) -> None:
        super().__init__(system, request, f"{status} {body}".strip() if status else body)
        self.status = status
        self.body = body


class NotReady(RemoteError):
    """The system answers, but the expected state did not appear within the deadline."""


class PlanRefused(BifrostError):
    """The deployer does not carry out part of a plan by itself; `commands` are the commands to run instead."""

    def __init__(self, message: str, commands: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.commands = tuple(commands)


class OperationRefused(BifrostError):
    """An operation is not carried out, and nothing was changed; the message says why and what to do instead."""


class ComponentError(BifrostError):
    """A supervised process died or never became ready; `log` is its log file."""

    def __init__(self, component: str, problem: str, *, log: Path | None = None) -> None:
        where = f" (log: {log})" if log is not None else ""
        super().__init__(f"{component}: {problem}{where}")
        self.component = component
        self.problem = problem
        self.log = log


class StateError(BifrostError):
    """A state store or its changelog topic is unusable."""


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
    """A statement over a topic that does not exist, without the properties to create it."""


class AssertionMissed(StatementError):
    """An ASSERT that did not come true in time."""


class LockHeld(BifrostError):
    """Another deployer changes the target, and did not finish in time; `holder` says who."""

    def __init__(self, holder: str, waited_s: float) -> None:
        waited = f" (waited {waited_s:.0f} s; --lock-timeout sets how long)" if waited_s else ""
        super().__init__(f"nothing was changed: the target is being deployed by {holder}{waited}")
        self.holder = holder


class LockLost(BifrostError):
    """This deployer could not renew its lock, and another one has it now."""
