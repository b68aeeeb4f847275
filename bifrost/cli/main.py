"""The commands and what every one of them has in common: help, exit codes, and one place where errors are told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bifrost import __version__
from bifrost.cli.csv_schema import csv_schema_command
from bifrost.cli.deploying import plan_command, up_command, validate_command
from bifrost.cli.inspecting import logs_command, status_command
from bifrost.cli.output import Screen, flush
from bifrost.cli.running import demo_command, down_command, restart_command
from bifrost.cli.shell import ksql_command
from bifrost.cli.testing import test_command
from bifrost.errors import BifrostError

HELP = """Bifrost: databases, files, logs and radio frames through Kafka Connect, Kafka and ksqlDB to people.

`up` brings everything up, `status` shows it, `down` stops it.

Exit codes: 0 done, or nothing to do; 1 an error; 2 wrong usage; 3 `plan` found something to do.
"""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bifrost {__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The options that come before a command."""


app.command("up")(up_command)
app.command("plan")(plan_command)
app.command("status")(status_command)
app.command("down")(down_command)
app.command("logs")(logs_command)
app.command("restart")(restart_command)
app.command("demo")(demo_command)
app.command("validate")(validate_command)
app.command("test")(test_command)
app.command("ksql")(ksql_command)
app.command("csv-schema")(csv_schema_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    try:
        app(args=arguments, prog_name=_program_name())
    except BifrostError as error:
        Screen().error(str(error))
        flush()
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does.
        sys.stderr.close()
        sys.exit(0)


def _program_name() -> str:
    """How the command was started: the installed script, or `scripts/deploy.py`, which runs `python -m bifrost.cli`."""
    name = Path(sys.argv[0]).name
    return "bifrost" if name == "bifrost" else "deploy.py"
