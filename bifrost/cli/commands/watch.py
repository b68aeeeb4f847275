"""`watch`."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.errors import OperationRefused
from bifrost.operations.watch.platform_event import PlatformEvent
from bifrost.operations.watch.watch_state import NAME
from bifrost.operations.watch.watch_target import PATIENCE_S, watch, watcher_of


def command(as_json: JsonOption = False, target: TargetOption = None) -> None:
    """Restart what fails, with growing delays, and publish what happened, until Ctrl-C."""
    settings, screen = settings_for(target), Screen(as_json=as_json)

    def show(events: Sequence[PlatformEvent]) -> None:
        for event in events:
            screen.say(event.as_json() if as_json else event.text)

    with open_platform(settings, patience_s=PATIENCE_S) as platform:
        _refuse_second(platform)
        watcher = watcher_of(settings, platform)
        # On the embedded target, the file belongs to the service.
        watcher.state_file = None
        if not as_json:
            screen.say(f"Watching the target {settings.target}; Ctrl-C ends it.")
        try:
            watch(watcher, threading.Event().wait, show)
        except KeyboardInterrupt:
            return


def _refuse_second(platform: Platform) -> None:
    """Two watchers would restart everything twice."""
    services = platform.services.status() if platform.services is not None and platform.services.is_running() else []
    if any(status.name == NAME and status.is_up for status in services):
        raise OperationRefused(f"the service {NAME} watches this platform already; `logs {NAME}` shows what it does")
