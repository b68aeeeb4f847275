"""Runs statements and the shell's own commands, and shows their results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bifrost import __version__
from bifrost.cli.output import Screen
from bifrost.cli.shell.error_text import ScriptError, shown_error
from bifrost.cli.shell.help_texts import help_lines
from bifrost.cli.shell.prompt import is_command
from bifrost.cli.shell.results import show_entity
from bifrost.cli.shell.rows import layout, vertical
from bifrost.clients.ksqldb import KsqlClient, QueryRows
from bifrost.clients.ksqldb_answers import cell
from bifrost.clients.ksqldb_names import live_names
from bifrost.errors import BifrostError, SettingError, StatementError
from bifrost.operations.action_log import ActionLog, account_name
from bifrost.operations.changing_statements import logged_statement
from bifrost.redaction import redact_text
from bifrost.sql.parser import Dialect, is_complete, parse_script
from bifrost.sql.tree import (
    DefineVariable,
    ParsedStatement,
    PrintTopic,
    Query,
    RunScript,
    SetProperty,
    Spool,
    UndefineVariable,
    UnsetProperty,
)

DEEPEST_SCRIPT = 10
_VERTICAL = re.compile(r";?\s*\\[Gg]\s*\Z")


class Output(StrEnum):
    """How results are printed."""

    TABULAR = "TABULAR"
    VERTICAL = "VERTICAL"
    JSON = "JSON"


@dataclass(slots=True)
class Display:
    """What `output` and SET CLI say; a `column_width` of 0 shares the width of the screen."""

    output: Output = Output.TABULAR
    wraps: bool = True
    column_width: int = 0


class ShellExit(Exception):
    """`exit` was entered."""


class Shell:
    """The state of a shell: what SET and DEFINE said so far, where SPOOL writes to, and how results are shown.

    What changes something is entered into `log`, if there is one.
    """

    def __init__(
        self,
        client: KsqlClient,
        screen: Screen,
        *,
        url: str = "",
        history: Callable[[], Sequence[str]] = tuple,
        log: ActionLog | None = None,
    ) -> None:
        self._client = client
        self._screen = screen
        self._url = redact_text(url)
        self._history = history
        self._log = log
        self._depth = 0
        self.display = Display(Output.JSON if screen.as_json else Output.TABULAR)
        self.properties: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def close(self) -> None:
        """End spooling."""
        self._screen.spool(None)

    def names(self) -> Iterator[str]:
        """The names that the server has: streams, tables, columns, topics, queries, types and functions."""
        return (found.name for found in live_names(self._client))

    def run(self, text: str) -> None:
        """Run what was entered: a command of the shell, or statements, the last with `;` or `\\G`, or without.

        Raises:
            StatementError: a statement is refused; the message is ksqlDB's, with the place if there is one.
            RemoteError: the server does not answer.
            SettingError: a script or spool file cannot be opened.
            ShellExit: the shell is to end.
        """
        if is_command(text):
            self._command(text.strip().rstrip(";").split())
            return
        before = self.display.output
        if _VERTICAL.search(text):
            text = _VERTICAL.sub(";", text)
            self.display.output = Output.VERTICAL
        try:
            self._run_statements(text)
        finally:
            self.display.output = before

    def run_lines(self, lines: Iterable[str], script: str) -> None:
        """Run a script, in which the shell's commands stand on lines of their own.

        Raises:
            ScriptError: one of them failed; it names `script` and the line.
            ShellExit: the shell is to end.
        """
        for first_line, text in _script_parts(lines):
            try:
                self.run(text)
            except BifrostError as error:
                raise ScriptError(script, first_line, error) from error

    def _run_statements(self, text: str) -> None:
        text = _with_semicolon(text)
        try:
            statements = parse_script(text, self.variables, dialect=Dialect.SHELL)
        except StatementError as error:
            raise shown_error(error, text) from error
        for statement in statements:
            try:
                self._run(statement)
            except BifrostError as error:
                raise shown_error(error, statement.text, line=statement.line, column=statement.column) from error

    def _run(self, statement: ParsedStatement) -> None:
        match statement.tree:
            case SetProperty(name=name, value=value):
                self.properties[name] = value
            case UnsetProperty(name=name):
                self.properties.pop(name, None)
            case DefineVariable(name=name, value=value):
                self.variables[name.upper()] = value
            case UndefineVariable(name=name):
                self.variables.pop(name.upper(), None)
            case RunScript(path=path):
                self._run_file(path)
            case Spool(path=path):
                self._spool(path)
            case Query() as query:
                self._query(statement.text, is_push=query.emit is not None)
            case PrintTopic():
                with closing(self._client.print_topic(statement.text, properties=self.properties)) as lines:
                    self._until_interrupted(lines)
            case _:
                self._execute(statement)

    def _execute(self, statement: ParsedStatement) -> None:
        with nullcontext() if self._log is None else logged_statement(self._log, account_name(), statement):
            found = self._client.execute(statement.text, properties=self.properties, variables=self.variables)
        for entity in found:
            if self.display.output is Output.JSON:
                self._screen.json(entity)
            else:
                show_entity(dict(entity), self._screen)

    def _query(self, sql: str, *, is_push: bool) -> None:
        # Closing the rows ends the query on the server, also after an interruption.
        with closing(self._client.stream(sql, properties=self.properties, variables=self.variables)) as rows:
            columns = list(rows.columns)
            match self.display.output:
                case Output.JSON:
                    self._until_interrupted(_json_rows(rows))
                case Output.VERTICAL:
                    self._until_interrupted(
                        line for number, row in enumerate(rows, 1) for line in vertical(columns, row, number)
                    )
                case Output.TABULAR if is_push:
                    self._push(rows)
                case Output.TABULAR:
                    self._screen.table(columns, [[cell(value) for value in row] for row in rows])

    def _push(self, rows: QueryRows) -> None:
        """Rows are printed as they come, so their columns cannot be as wide as their widest value."""
        lines = layout(
            rows.columns, self._screen.width, column_width=self.display.column_width, wraps=self.display.wraps
        )
        for line in lines.heading():
            self._screen.say(line)
        self._until_interrupted(line for row in rows for line in lines.row(row))

    def _until_interrupted(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                self._screen.say(line)
        except KeyboardInterrupt:
            self._screen.note("Query terminated")

    def _command(self, words: list[str]) -> None:
        match [word.lower() for word in words]:
            case ["exit" | "quit"]:
                raise ShellExit
            case ["help", *_]:
                self._say(help_lines(" ".join(words[1:])))
            case ["history"]:
                self._say(f"{number:>5}  {text}" for number, text in enumerate(self._history(), 1))
            case ["version"]:
                self._say((f"bifrost {__version__}", f"ksqlDB {self._client.info().version}"))
            case ["server"]:
                info = self._client.info()
                self._say(
                    (f"{self._url}: ksqlDB {info.version}, service {info.service_id}, {info.status or 'running'}",)
                )
            case ["clear"]:
                self._screen.clear()
            case ["output", *chosen]:
                self._set_output(chosen)
            case ["set", "cli", name, value]:
                self._set_cli(name, value)

    def _set_output(self, chosen: list[str]) -> None:
        names = ", ".join(Output)
        if chosen and chosen[0].upper() not in set(Output):
            raise StatementError(f"output: {chosen[0]} is unknown; choose one of {names}")
        if chosen:
            self.display.output = Output(chosen[0].upper())
        self._say((f"Output: {self.display.output} (of {names})",))

    def _set_cli(self, name: str, value: str) -> None:
        match (name, value):
            case ("wrap", "on" | "off"):
                self.display.wraps = value == "on"
            case ("column-width", width) if width.isdecimal():
                self.display.column_width = int(width)
            case _:
                raise StatementError("SET CLI: expected WRAP ON, WRAP OFF or COLUMN-WIDTH with a whole number")
        self._say((f"CLI {name.upper()} is {value.upper()}.",))

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._screen.say(line)

    def _run_file(self, path: str) -> None:
        if self._depth >= DEEPEST_SCRIPT:
            raise StatementError(f"RUN SCRIPT '{path}': scripts run each other more than {DEEPEST_SCRIPT} deep")
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"RUN SCRIPT '{path}'", str(error)) from error
        self._depth += 1
        try:
            self.run_lines(text.splitlines(keepends=True), path)
        finally:
            self._depth -= 1

    def _spool(self, path: str | None) -> None:
        try:
            self._screen.spool(None if path is None else Path(path).expanduser())
        except OSError as error:
            raise SettingError(f"SPOOL '{path}'", str(error)) from error


def _script_parts(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """What a script runs, with the number of its first line from 1: a command, or the statements up to a `;`."""
    pending, first_line = "", 1
    for number, line in enumerate(lines, 1):
        if not pending.strip():
            pending, first_line = "", number
            # Only between statements: a line within one may look like a command.
            if is_command(line):
                yield number, line
                continue
        pending = f"{pending}{line}" if line.endswith("\n") else f"{pending}{line}\n"
        if is_complete(pending) or _VERTICAL.search(pending):
            yield first_line, pending
            pending = ""
    if pending.strip():
        yield first_line, pending


def _json_rows(rows: QueryRows) -> Iterator[str]:
    columns: tuple[Any, ...] = rows.columns
    return (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)


def _with_semicolon(text: str) -> str:
    """A single statement may lack its `;`."""
    return text if not text.strip() or text.rstrip().endswith(";") else f"{text.rstrip()};"
