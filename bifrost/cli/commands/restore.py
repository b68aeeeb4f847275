"""`restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bifrost.cli.byte_progress import ByteProgress, size_text
from bifrost.cli.consent import DryRunOption
from bifrost.cli.options import JsonOption, TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.operations import backup
from bifrost.operations.action_log import account_name, action_log_of
from bifrost.operations.moments import moment_text


def command(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Restore a backup into the embedded platform's empty data folder; `up` then starts with it."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    require_embedded(settings, "restore")
    manifest = backup.read_manifest(file)
    if not dry_run:
        announced = (f"Restore the backup {file} into {settings.data}.",)
        log = action_log_of(settings)
        with screen.working("restoring the backup"), log.logged(account_name(), "restore", "platform", announced):
            manifest = backup.restore(settings, file, ByteProgress(screen))
    if screen.as_json:
        screen.json({"file": str(file), "dry_run": dry_run, **asdict(manifest)})
        return
    what = f"{manifest.files} files, {size_text(manifest.bytes)}, of {moment_text(manifest.created_ms)} UTC"
    if dry_run:
        screen.say(f"Would restore {file} ({what}) to {settings.data}.")
    else:
        screen.say(f"{settings.data} has the data of {file} ({what}). Next: `up`.")
