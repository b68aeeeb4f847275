"""`python -m bifrost.rest_proxy`: serve the proxy on the loopback."""

from __future__ import annotations

import logging
import sys

import uvicorn

from bifrost import settings
from bifrost.errors import EX_CONFIG, BifrostError, SettingError
from bifrost.rest_proxy.app import app_from
from bifrost.settings import LOOPBACK


def main() -> int:
    """Serve until a signal; return 1 if it cannot start, 78 for a wrong setting."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        values = settings.load()
        uvicorn.run(app_from(values), host=LOOPBACK, port=values.port("rest_proxy"), log_level="warning")
    except BifrostError as error:
        logging.getLogger("rest_proxy").error("%s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
