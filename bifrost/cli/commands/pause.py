"""`pause`."""

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
    """Pause a connector, query or service; it continues where it was when resumed."""
    change_states(Change.PAUSE, name, target, dry_run=dry_run, yes=yes, as_json=as_json)
