"""`python -m bifrost.console`: serve the console."""

from __future__ import annotations

import logging
import sys

from bifrost import settings
from bifrost.console.app import serve
from bifrost.errors import BifrostError
from bifrost.program_log import set_up_logging


def main() -> int:
    """Serve until a signal ends it; exit code 1 when it cannot start."""
    try:
        set_up_logging("console")
        serve(settings.load())
    except BifrostError as error:
        logging.getLogger("console").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
