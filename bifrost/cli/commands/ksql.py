"""`ksql`: a shell for ksqlDB statements, and `-e` for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.shell.prompt import typed_statements
from bifrost.cli.shell.results import cell, show_entity
from bifrost.clients import ksqldb
from bifrost.clients.ksqldb import KsqlClient
from bifrost.errors import BifrostError, SettingError, StatementError
from bifrost.sql.parser import Dialect, parse_script
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


def command(
    statements: Annotated[
        list[str] | None, typer.Option("--execute", "-e", help="Run these statements and end.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Talk to ksqlDB: a shell, or the statements given with -e (or on stdin). Ctrl-C ends a push query."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    with ksqldb.from_settings(settings) as client, closing(Shell(client, screen)) as session:
        if statements or not sys.stdin.isatty():
            session.run_script("\n".join(map(_with_semicolon, statements)) if statements else sys.stdin.read())
            return
        info = client.info()
        screen.say(f"ksqlDB {info.version} at {settings.endpoints.ksqldb}; `exit` leaves.")
        for text in typed_statements(settings.home / "ksql_history", session.names):
            try:
                session.run_script(text)
            except BifrostError as error:
                screen.error(str(error))


class Shell:
    """What SET and DEFINE said so far, where SPOOL writes to, and how results are shown."""

    def __init__(self, client: KsqlClient, screen: Screen) -> None:
        self._client = client
        self._screen = screen
        self._depth = 0
        self.properties: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def close(self) -> None:
        """End spooling."""
        self._screen.spool(None)

    def names(self) -> Iterable[str]:
        """The streams and tables there are."""
        return [source.name for source in (*self._client.streams(), *self._client.tables())]

    def run_script(self, text: str) -> None:
        """Run all statements of a text, in order.

        Raises:
            StatementError: the text is not the language.
            RemoteError: the server refuses a statement, or does not answer.
            SettingError: a script or spool file cannot be opened.
        """
        for statement in parse_script(_with_semicolon(text), self.variables, dialect=Dialect.SHELL):
            self._run(statement)

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
                self._execute(statement.text)

    def _execute(self, text: str) -> None:
        for entity in self._client.execute(text, properties=self.properties, variables=self.variables):
            if self._screen.as_json:
                self._screen.json(entity)
            else:
                show_entity(dict(entity), self._screen)

    def _query(self, sql: str, *, is_push: bool) -> None:
        with closing(self._client.stream(sql, properties=self.properties, variables=self.variables)) as rows:
            columns = list(rows.columns)
            if self._screen.as_json:
                self._until_interrupted(
                    json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows
                )
            elif is_push:
                self._screen.say(" | ".join(columns))
                self._until_interrupted(" | ".join(map(cell, row)) for row in rows)
            else:
                self._screen.table(columns, [[cell(value) for value in row] for row in rows])

    def _until_interrupted(self, lines: Iterable[str]) -> None:
        with suppress(KeyboardInterrupt):
            for line in lines:
                self._screen.say(line)

    def _run_file(self, path: str) -> None:
        if self._depth >= DEEPEST_SCRIPT:
            raise StatementError(f"RUN SCRIPT '{path}': scripts that run scripts, {DEEPEST_SCRIPT} deep")
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"RUN SCRIPT '{path}'", str(error)) from error
        self._depth += 1
        try:
            self.run_script(text)
        finally:
            self._depth -= 1

    def _spool(self, path: str | None) -> None:
        try:
            self._screen.spool(None if path is None else Path(path))
        except OSError as error:
            raise SettingError(f"SPOOL '{path}'", str(error)) from error


def _with_semicolon(text: str) -> str:
    """One statement may be given without its `;`."""
    return text if not text.strip() or text.rstrip().endswith(";") else f"{text.rstrip()};"
