"""`python -m bifrost.console`: serve the console."""

from __future__ import annotations

import logging
import sys

from bifrost import settings
from bifrost.console.app import serve
from bifrost.errors import BifrostError


def main() -> int:
    """Serve until a signal ends it; exit code 1 when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(settings.load())
    except BifrostError as error:
        logging.getLogger("console").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
