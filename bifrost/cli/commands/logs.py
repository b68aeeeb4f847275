"""`logs`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.commands.status import read_status
from bifrost.cli.completion import complete_live
from bifrost.cli.options import TargetOption, require_embedded, settings_for
from bifrost.errors import Refused
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings


def command(
    name: Annotated[
        str,
        typer.Argument(
            help="A component or service, or a connector or query (its server's log).", autocompletion=complete_live
        ),
    ],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new lines as they come, until interrupted.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of lines to print.", min=0)] = 100,
    target: TargetOption = None,
) -> None:
    """Print the log of a component or service."""
    settings = settings_for(target)
    require_embedded(settings, "logs")
    path = log_of(settings, name)
    secrets = secrets_of(settings.secrets)
    for line in chain(last_lines(path, lines), new_lines(path) if follow else ()):
        typer.echo(redact_text(line, secrets))


def log_of(settings: Settings, name: str) -> Path:
    """The log file of a component, service, connector or query.

    Raises:
        Refused: nothing has that name.
    """
    path = settings.logs / f"{name}.log"
    # The file first: it can be read while nothing runs.
    if path.is_file():
        return path
    found = read_status(settings)
    if name in {connector["name"] for connector in found["connectors"]}:
        return settings.logs / "connect.log"
    if name in {query["id"] for query in found["queries"]}:
        return settings.logs / "ksqldb.log"
    known = ", ".join(sorted(file.stem for file in settings.logs.glob("*.log"))) or "none yet"
    raise Refused("logs", name, status=0, body=f"no log of that name; known are {known}")


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a file."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[max(0, len(lines) - count) :]


def new_lines(path: Path, *, pause_s: float = 0.2) -> Iterator[str]:
    """Lines as they are appended to a file, also after it was truncated or replaced."""
    position, rest = path.stat().st_size, b""
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < position:
            position, rest = 0, b""
        if size == position:
            time.sleep(pause_s)
            continue
        with path.open("rb") as file:
            file.seek(position)
            added = file.read()
        position += len(added)
        # The last piece is a line that is still being written.
        *complete, rest = (rest + added).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in complete)
