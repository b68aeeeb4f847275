"""Sends the notifications that the files of `alerts/` describe: `python -m services.alerts`.

Each alert has its own thread and consumer group, so an alert that cannot be delivered does not block the others. The
service picks up changed files while it runs.
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
from bifrost.program_log import set_up_logging
from services.alert_service.service import service_from

_log = logging.getLogger("alerts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return 1 on failure, 78 for a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m services.alerts", description=__doc__)
    parser.add_argument(
        "--from-beginning", action="store_true", help="let new groups start at the oldest record of their topic"
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = settings.load()
        set_up_logging("alerts", values)
        serve_metrics(values)
        service_from(values, from_beginning=options.from_beginning).run(stop)
    except BifrostError as error:
        # The last line of the log: the supervisor shows it as the cause.
        _log.error("alerts stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
