"""`ksql`."""

from __future__ import annotations

import sys
from contextlib import closing, suppress
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.shell.prompt import new_session, typed_statements
from bifrost.cli.shell.shell import Shell, ShellExit
from bifrost.clients import ksqldb
from bifrost.errors import BifrostError
from bifrost.operations.action_log import action_log_of
from bifrost.redaction import redact_text
from bifrost.settings import Settings


def command(
    statements: Annotated[
        list[str] | None, typer.Option("--execute", "-e", help="Run these statements and end.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Open a ksqlDB shell, or run the statements given with -e (or on stdin). Ctrl-C ends a push query."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    with ksqldb.from_settings(settings) as client, suppress(ShellExit):
        if not statements and sys.stdin.isatty():
            _interact(settings, client, screen)
            return
        with closing(Shell(client, screen, url=settings.endpoints.ksqldb, log=action_log_of(settings))) as shell:
            for text in statements or ():
                shell.run(text)
            if not statements:
                shell.run_lines(sys.stdin, "standard input")


def _interact(settings: Settings, client: ksqldb.KsqlClient, screen: Screen) -> None:
    terminal = new_session(settings.home / "ksql_history")
    url = settings.endpoints.ksqldb
    screen.say(f"ksqlDB {client.info().version} at {redact_text(url)}; `help` explains, `exit` leaves.")
    history, log = terminal.history.get_strings, action_log_of(settings)
    with closing(Shell(client, screen, url=url, history=history, log=log)) as shell:
        for text in typed_statements(terminal, shell.names):
            try:
                shell.run(text)
            except BifrostError as error:
                screen.error(str(error))
            except KeyboardInterrupt:
                # A query was ended before its first row: the shell stays.
                screen.note("Query terminated")
