"""`backup`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.byte_progress import ByteProgress, size_text
from bifrost.cli.consent import ConfirmedOption, DryRunOption, require_consent
from bifrost.cli.options import JsonOption, TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.operations.backup import back_up, plan_backup


def command(
    file: Annotated[Path, typer.Argument(help="The file to write, such as bifrost.tar.gz.", dir_okay=False)],
    dry_run: DryRunOption = False,
    yes: ConfirmedOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Back the data of the stopped embedded platform up into one file."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    require_embedded(settings, "backup")
    manifest = plan_backup(settings)
    if not dry_run:
        if file.exists():
            require_consent([f"{file} exists and would be replaced."], screen, yes=yes)
        with screen.working("writing the backup"):
            manifest = back_up(settings, file, ByteProgress(screen))
    if screen.as_json:
        screen.json({"file": str(file), "dry_run": dry_run, **asdict(manifest)})
        return
    what = f"{manifest.files} files, {size_text(manifest.bytes)}"
    if dry_run:
        screen.say(f"Would back up {settings.data} ({what}) to {file}.")
    else:
        screen.say(f"{settings.data} ({what}) is in {file} ({size_text(file.stat().st_size)}).")
