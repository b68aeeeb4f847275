"""The list of commands and what all of them share: help, exit codes, and one place where errors are shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from bifrost import __version__
from bifrost.cli.environment import SELECTED, EnvironmentOption, program_name
from bifrost.errors import BifrostError

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter

HELP = """Bifrost: databases, files, logs and radio frames through Kafka Connect, Kafka and ksqlDB to people.

`up` brings everything up, `status` shows it, `down` stops it.

Exit codes: 0 done, or nothing to do; 1 an error; 2 wrong usage; 3 `plan` or `diff` found something to do, `status
--check` that not all is well, or `doctor` an error.
"""
COMMANDS: Mapping[str, str] = {
    "up": "Start the platform (embedded target), deploy what is declared, and return when all of it runs.",
    "plan": "Show what `up` would do. Exit code 3 if there is anything to do, 0 if not.",
    "diff": "Compare a declared thing with the live one. Exit code 3 if they differ, 0 if not.",
    "describe": "Show one declared thing: its file, its plan, its live state and lag, and what feeds and reads it.",
    "graph": "Show where records go, from source connectors to sinks, dashboards and services.",
    "status": "Show what runs: endpoints, connectors with their tasks, queries, services, components.",
    "down": "Stop the embedded platform and keep its data.",
    "watch": "Restart what fails, with growing delays, and publish what happened, until Ctrl-C.",
    "logs": "Print the log of a component or service.",
    "pause": "Pause a connector, query or service; it continues where it was when resumed.",
    "resume": "Resume what was paused or stopped, and wait until it runs.",
    "stop": "Stop a connector, service or component; its offsets stay.",
    "lag": "Show how far sinks, queries, alerts and services are behind, in records and seconds.",
    "top": "Show what each part reads and writes per second, and how far it is behind, until interrupted.",
    "offsets": "Show or change where a connector, alert, service or consumer group reads next.",
    "dlq": "List, show, replay or drop dead letters: records that a connector or an alert could not process.",
    "secure": "Show or rotate the certificates and passwords of a secured platform.",
    "restart": "Restart one thing and wait until it runs again.",
    "actions": "List who changed what, newest first: in the console, with commands, and what `watch` restarted.",
    "demo": "Generate records for a pipeline, in the foreground.",
    "doctor": "Check what support would ask for, and write a report without secrets. Exit code 3 for errors.",
    "completion": "Print the script that makes a shell complete commands, options and live names.",
    "backup": "Back the data of the stopped embedded platform up into one file.",
    "restore": "Restore a backup into the embedded platform's empty data folder; `up` then starts with it.",
    "validate": "Check all declarations with nothing running: files, names, schemas, and the types of all statements.",
    "lint": "Look for known traps in all declarations, each with the code of its rule, or explain a rule.",
    "test": "Run test files (`--@test`, INSERT VALUES, ASSERT VALUES) with no broker. Exit code 1 if a test fails.",
    "ksql": "Open a ksqlDB shell, or run the statements given with -e (or on stdin). Ctrl-C ends a push query.",
    "csv-schema": "Propose the schemas of a CSV source connector for a sample file, as JSON for the connector's file.",
}
"""Each command's help by its name; `bifrost.cli.commands` has its module."""
_SETTINGS = {"help_option_names": ["-h", "--help"]}


class LazyCommands(TyperGroup):
    """Lists commands by name and help, and imports the module of the one that is run.

    Most modules import Kafka's client and the SQL engine, which costs more CPU than the whole of `--help`.
    """

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command that the arguments name, with its options."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _load(name), rest


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, pretty_exceptions_enable=False, context_settings=_SETTINGS)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bifrost {__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    env: EnvironmentOption = "",
) -> None:
    """The options that come before a command."""


def _placeholder() -> None:
    """Stands for a command in the list."""


for _name, _help in COMMANDS.items():
    app.command(_name, help=_help)(_placeholder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    before = SELECTED.set("")
    try:
        app(args=arguments, prog_name=program_name())
    except BifrostError as error:
        print_error(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does.
        sys.stderr.close()
        sys.exit(0)
    finally:
        SELECTED.reset(before)


def print_error(text: str) -> None:
    """Write an error to stderr, after everything that was written before."""
    # Only needed on failure, and `rich` costs time.
    from bifrost.cli.output import Screen, flush
    from bifrost.redaction import redact_text

    Screen().error(redact_text(text))
    flush()


def _load(name: str) -> Command:
    """The command with its options, and with those that every command has."""
    function: Any = import_module(f"bifrost.cli.commands.{name.replace('-', '_')}").command
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, context_settings=_SETTINGS)(function)
    command = get_command(single)
    command.params.append(_environment_parameter())
    return command


def _environment_parameter() -> Parameter:
    def take(env: EnvironmentOption = "") -> None:
        """Only its option is used."""

    single = typer.Typer(add_completion=False)
    single.command()(take)
    (parameter,) = get_command(single).params
    parameter.expose_value = False
    return parameter
