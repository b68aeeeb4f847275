"""`resume`."""

from __future__ import annotations

from bifrost.cli.consent import ConfirmedOption, DryRunOption
from bifrost.cli.options import JsonOption, TargetOption
from bifrost.cli.state_commands import LiveNameArgument, change_states
from bifrost.operations.state_changes import Change


def command(
    name: LiveNameArgument,
    dry_run: DryRunOption = False,
    yes: ConfirmedOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Resume what was paused or stopped, and wait until it runs."""
    change_states(Change.RESUME, name, target, dry_run=dry_run, yes=yes, as_json=as_json)
