"""The supervisor process: `python -m bifrost.supervisor [COMPONENT...]`, by default all components."""

from __future__ import annotations

import argparse
import logging
import shutil
import signal
import sys

from bifrost import settings as project_settings
from bifrost.errors import BifrostError
from bifrost.metrics.endpoint import serve_metrics
from bifrost.program_log import set_up_logging
from bifrost.security.roles import SUPERVISOR
from bifrost.supervisor.platform_components import platform_components
from bifrost.supervisor.processes.daemon import FREE_DISK, Daemon

_log = logging.getLogger(__name__)


def main() -> int:
    """Run the platform until it is shut down; exit code 1 if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m bifrost.supervisor", description=__doc__)
    parser.add_argument("components", nargs="*", metavar="COMPONENT", help="only these")
    claims = "open files that hold the platform's port claims, separated by commas; closed at the end"
    parser.add_argument("--port-claims", type=_file_descriptors, default=(), metavar="FD,...", help=claims)
    arguments = parser.parse_args()
    try:
        settings = project_settings.load().with_values(BIFROST_ROLE=SUPERVISOR)
        set_up_logging("supervisor", settings, text="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
        FREE_DISK.compute(lambda: {(): shutil.disk_usage(settings.home).free})
        serve_metrics(settings, settings.port("metrics_supervisor"))
        daemon = Daemon(
            settings, platform_components(settings, only=arguments.components or None), arguments.port_claims
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.shut_down())
        daemon.run()
    except BifrostError as error:
        _log.error("%s", error)
        return 1
    return 0


def _file_descriptors(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number)


if __name__ == "__main__":
    sys.exit(main())
