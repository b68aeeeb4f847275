"""`actions`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.operations.action_log import LoggedAction, Outcome, action_log_of
from bifrost.operations.moments import moment_text

SHOWN = 20
_UNFINISHED = "has not ended, or its program ended before it"


def command(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Number of actions to show.")] = SHOWN,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """List who changed what, newest first: in the console, with commands, and what `watch` restarted."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    found = action_log_of(settings).newest(limit)
    if as_json:
        screen.json({"actions": [asdict(entry) for entry in found]})
        return
    if not found:
        screen.say(f"Nothing was changed yet ({settings.action_log}).")
        return
    screen.table(["time", "who", "action", "on", "outcome", "result"], [_row(entry) for entry in found])


def _row(entry: LoggedAction) -> list[str]:
    result = _UNFINISHED if entry.outcome is Outcome.STARTED else " ".join(entry.result.split())
    at = moment_text(round(entry.at_s * 1000))
    return [at, entry.who, entry.action, entry.thing, str(entry.outcome), result]
