"""Stops the embedded platform, and logs who did it: what `down` and the end of `up --foreground` share."""

from __future__ import annotations

from bifrost.cli.output import Screen
from bifrost.cli.pending_action import PendingAction, pending_action
from bifrost.errors import OperationRefused
from bifrost.operations.action_log import action_log_of
from bifrost.settings import Settings
from bifrost.supervisor import stop


def stop_logged(settings: Settings, screen: Screen, action: str, *, purge: bool = False) -> bool:
    """Stop the platform and, if required, delete its data; returns whether anything ran.

    Where the log cannot be written, it warns and continues: a full disk must not keep a platform running.

    Args:
        action: the name of the command, for the log.
    """
    data = (settings.data, settings.logs, settings.run)
    with pending_action(action_log_of(settings), action) as pending:
        stopped = stop.stop_platform(
            settings, progress=screen.progress, before=lambda: _begin(pending, screen, "Stop the platform.")
        )
        if purge and any(folder.exists() for folder in data):
            _begin(pending, screen, "Delete its data and logs.")
        if purge:
            stop.purge(settings)
        pending.result = " ".join(("Stopped.",) * stopped + ("Data and logs are removed.",) * purge)
    return stopped


def _begin(pending: PendingAction, screen: Screen, line: str) -> None:
    try:
        pending.begin("platform", (line,))
    except OperationRefused as error:
        screen.warn(str(error).replace("nothing was changed", "this is not logged"))
