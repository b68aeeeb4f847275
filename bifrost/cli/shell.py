"""`ksql`: a shell for ksqlDB statements, and `-e` for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Annotated, Any

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.clients import ksqldb
from bifrost.clients.ksqldb import KsqlClient
from bifrost.errors import BifrostError, ParseError
from bifrost.settings import Settings
from bifrost.sql.parser import Dialect, is_complete, parse_script
from bifrost.sql.tree import (
    DefineVariable,
    Emit,
    ParsedStatement,
    PrintTopic,
    Query,
    SetProperty,
    UndefineVariable,
    UnsetProperty,
)

Entity = dict[str, Any]
_LISTS = ("streams", "tables", "queries", "topics", "properties", "functions", "connectors", "variables", "plugins")
_HIDDEN = ("@type", "statementText", "warnings")


def ksql_command(
    statements: Annotated[
        list[str] | None, typer.Option("--execute", "-e", help="Run these statements and end.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Talk to ksqlDB: a shell, or the statements given with -e (or on stdin). Ctrl-C ends a push query."""
    settings = settings_for(target)
    with ksqldb.from_settings(settings) as client:
        session = Session(client, Screen(as_json=as_json))
        if statements or not sys.stdin.isatty():
            session.run_script("\n".join(statements) if statements else sys.stdin.read())
        else:
            _interact(session, settings)


class Session:
    """What SET and DEFINE said so far, and how results are shown."""

    def __init__(self, client: KsqlClient, screen: Screen) -> None:
        self._client = client
        self._screen = screen
        self.properties: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def run_script(self, text: str) -> None:
        """Run all statements of a text, in order.

        Raises:
            ParseError: the text is not the language.
            RemoteError: the server refuses a statement, or does not answer.
        """
        for statement in parse_script(_ended(text), self.variables, dialect=Dialect.SHELL):
            self._run(statement)

    def _run(self, statement: ParsedStatement) -> None:
        match statement.tree:
            case SetProperty(name=name, value=value):
                self.properties[name] = value
            case UnsetProperty(name=name):
                self.properties.pop(name, None)
            case DefineVariable(name=name, value=value):
                self.variables[name] = value
            case UndefineVariable(name=name):
                self.variables.pop(name, None)
            case Query() as query:
                self._query(statement.text, is_push=isinstance(query.emit, Emit))
            case PrintTopic():
                with closing(self._client.print_topic(statement.text, properties=self.properties)) as lines:
                    self._until_interrupted(lines)
            case _:
                for entity in self._client.execute(
                    statement.text, properties=self.properties, variables=self.variables
                ):
                    self._show(dict(entity))

    def _query(self, sql: str, *, is_push: bool) -> None:
        with self._client.stream(sql, properties=self.properties, variables=self.variables) as rows:
            columns = list(rows.columns)
            if self._screen.as_json:
                self._until_interrupted(json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
            elif is_push:
                self._screen.say(" | ".join(columns))
                self._until_interrupted(" | ".join(map(cell, row)) for row in rows)
            else:
                self._screen.table(columns, [[cell(value) for value in row] for row in rows])

    def _until_interrupted(self, lines: Iterable[str]) -> None:
        with suppress(KeyboardInterrupt):
            for line in lines:
                print(line, flush=True)

    def _show(self, entity: Entity) -> None:
        if self._screen.as_json:
            self._screen.json(entity)
            return
        for warning in entity.get("warnings", ()):
            self._screen.warn(str(warning.get("message", warning)))
        if "commandStatus" in entity:
            self._screen.say(entity["commandStatus"]["message"] or entity["commandStatus"]["status"])
            return
        listed = next((name for name in _LISTS if isinstance(entity.get(name), list)), None)
        if listed is not None:
            self._show_rows(entity[listed])
        else:
            self._show_fields(entity)

    def _show_rows(self, found: list[Any]) -> None:
        rows = [entry if isinstance(entry, dict) else {"name": entry} for entry in found]
        if not rows:
            self._screen.say("(none)")
            return
        columns = list(rows[0])
        self._screen.table(columns, [[cell(row.get(column)) for column in columns] for row in rows])

    def _show_fields(self, entity: Entity) -> None:
        described = next((value for key, value in entity.items() if key.endswith("Description")), entity)
        plain = {key: value for key, value in described.items() if key not in _HIDDEN}
        fields = plain.pop("fields", None)
        self._screen.table(
            ["", ""], [[key, cell(value)] for key, value in plain.items() if value not in (None, "", [])]
        )
        if fields:
            rows = [[field["name"], field["schema"]["type"], field.get("type") or ""] for field in fields]
            self._screen.table(["Field", "Type", "Key"], rows)


def cell(value: Any) -> str:
    """A value as a cell of a table."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _ended(text: str) -> str:
    """One statement may be given without its `;`."""
    return text if not text.strip() or text.rstrip().endswith(";") else f"{text.rstrip()};"


def _interact(session: Session, settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    prompt: PromptSession[str] = PromptSession(history=FileHistory(str(settings.home / "ksql_history")))
    for text in _typed(prompt):
        try:
            session.run_script(text)
        except ParseError as error:
            Screen().error(error.message)
        except BifrostError as error:
            Screen().error(str(error))


def _typed(prompt: PromptSession[str]) -> Iterator[str]:
    """Complete statements as a person types them, until `exit` or the end of input."""
    lines: list[str] = []
    while True:
        try:
            lines.append(prompt.prompt("ksql> " if not lines else "    > "))
        except KeyboardInterrupt:
            lines = []
            continue
        except EOFError:
            return
        text = "\n".join(lines)
        if text.strip().lower().rstrip(";") in ("exit", "quit"):
            return
        if is_complete(text):
            yield text
            lines = []
        elif not text.strip():
            lines = []
