"""`python -m bifrost.rest_proxy`: serve the proxy on the loopback."""

from __future__ import annotations

import logging
import sys

import uvicorn

from bifrost import settings
from bifrost.default_settings import LOOPBACK
from bifrost.errors import EX_CONFIG, BifrostError, SettingError
from bifrost.program_log import set_up_logging
from bifrost.rest_proxy.app import app_from
from bifrost.security.secure_folder import secure_folder


def main() -> int:
    """Serve until a signal; return 1 if it cannot start, 78 for a wrong setting."""
    try:
        values = settings.load()
        set_up_logging("rest_proxy", values)
        pem = str(secure_folder(values).server_pem) if values.is_secured else None
        uvicorn.run(
            app_from(values),
            host=LOOPBACK,
            port=values.port("rest_proxy"),
            ssl_certfile=pem,
            ssl_keyfile=pem,
            log_config=None,  # uvicorn logs as the program does
            log_level="warning",
        )
    except BifrostError as error:
        logging.getLogger("rest_proxy").error("%s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
