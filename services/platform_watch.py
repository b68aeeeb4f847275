"""Restarts what fails on the platform, and notifies about it through `alerts/platform.toml`.

Runs as a component of the embedded platform; `scripts/deploy.py watch` does the same for any target, in the foreground.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence

from bifrost import settings
from bifrost.errors import EX_CONFIG, BifrostError, SettingError
from bifrost.metrics.endpoint import serve_metrics
from bifrost.operations.watch.watch_state import NAME
from bifrost.operations.watch.watch_target import run
from bifrost.program_log import set_up_logging

_log = logging.getLogger("watch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return 1 on failure, 78 for a wrong setting."""
    argparse.ArgumentParser(prog=f"python -m services.{NAME}", description=__doc__).parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = settings.load()
        set_up_logging(NAME, values)
        serve_metrics(values)
        run(values, stop.wait)
    except BifrostError as error:
        # The last line of the log: the supervisor shows it as the cause.
        _log.error("%s stopped: %s", NAME, error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
