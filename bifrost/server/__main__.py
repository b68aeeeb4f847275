"""The embedded ksqlDB server: `python -m bifrost.server`."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
from collections.abc import Mapping

from bifrost.default_settings import LOOPBACK
from bifrost.engine.engine import KsqlEngine
from bifrost.engine.planner.properties import check_name, check_value, warning_for
from bifrost.engine.wiring import assemble
from bifrost.errors import AnalysisError, BifrostError, PropertyError, SettingError
from bifrost.security.secure_folder import secure_folder
from bifrost.server.app import ServerIdentity, create_app, quick_lookups
from bifrost.server.auth import Credentials
from bifrost.server.http_server import Config, adapted, serve
from bifrost.server.process_setup import now_ms, set_up_process
from bifrost.settings import Settings, load
from bifrost.web.login import AcceptedUsers

_log = logging.getLogger(__name__)
_SEPARATORS = ".-_"
"""What one, two and three underscores in the name of a setting stand for."""
_UNDERSCORES = re.compile("_{1,3}")


def main() -> int:
    """Runs the server until SIGTERM or SIGINT; 1 if it cannot start."""
    try:
        set_up_process()
        settings = load()
        engine, identity = build(settings)
        engine.start()
    except BifrostError as error:
        _log.error("%s", error)
        return 1
    try:
        asyncio.run(_serve(engine, identity, settings))
    finally:
        engine.close()
    return 0


def build(settings: Settings) -> tuple[KsqlEngine, ServerIdentity]:
    """The engine of the embedded target.

    Raises:
        RemoteError: the broker is unavailable.
        DeclarationError: a file of user-defined functions cannot be loaded.
    """
    properties = server_properties(settings)
    check_server_properties(properties)
    parts = assemble(settings, properties=properties, now_ms=now_ms)
    host = f"{LOOPBACK}:{settings.port('ksqldb')}"
    identity = ServerIdentity(parts.launcher.service_id, parts.environment.cluster.admin.cluster_id(), host)
    return KsqlEngine(parts), identity


def server_properties(settings: Settings) -> dict[str, str]:
    """ksqlDB's properties as its Docker image takes them: `KSQL_KSQL_STREAMS_X_Y` sets `ksql.streams.x.y`.

    Two underscores are a dash, three are an underscore.
    """
    return {
        _UNDERSCORES.sub(lambda found: _SEPARATORS[len(found[0]) - 1], name.removeprefix("KSQL_").lower()): value
        for name, value in settings.values.items()
        if name.startswith("KSQL_KSQL_")
    }


def setting_of(name: str) -> str:
    """The setting of a property of ksqlDB: `KSQL_KSQL_STREAMS_X_Y` of `ksql.streams.x.y`."""
    escaped = "".join("_" * (_SEPARATORS.index(each) + 1) if each in _SEPARATORS else each for each in name)
    return f"KSQL_{escaped.upper()}"


def check_server_properties(properties: Mapping[str, str]) -> None:
    """Checks the properties of the server's configuration; logs those that are unknown or have no effect.

    Raises:
        SettingError: a value is invalid or not supported.
    """
    for name, value in properties.items():
        try:
            check_name(name, by_server=True)
            check_value(name, value)
        except PropertyError as error:
            _log.warning("%s", error.message)
        except AnalysisError as error:
            raise SettingError(setting_of(name), error.message) from error
        else:
            warning = warning_for(name, value)
            if warning is not None:
                _log.warning("%s", warning)


def credentials(settings: Settings) -> Credentials | AcceptedUsers | None:
    """The users of the API; None if the API needs no login.

    A secured platform has one for each caller. Otherwise it is that of the settings that its clients use.

    Raises:
        SettingError: a user is set without a password.
    """
    if settings.is_secured:
        return AcceptedUsers(secure_folder(settings).callers("KSQLDB"))
    user = settings.get("KSQLDB_USER")
    return Credentials(user, settings.require("KSQLDB_PASSWORD", "KSQLDB_USER is set")) if user else None


async def _serve(engine: KsqlEngine, identity: ServerIdentity, settings: Settings) -> None:
    config = Config()
    config.bind = [identity.host]
    config.accesslog = None
    # Its own handler would write other lines than the program.
    config.errorlog = logging.getLogger("hypercorn.error")
    config.graceful_timeout = 1.0
    config.keep_alive_timeout = 3600.0
    config.is_quick = quick_lookups(engine)
    if settings.is_secured:
        config.certfile = config.keyfile = str(secure_folder(settings).server_pem)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _log.info("listening on %s, %d queries running", settings.local_url("ksqldb"), len(engine.state.queries))
    app = create_app(engine, identity, credentials(settings), allowed_hosts=settings.allowed_hosts)
    await serve(adapted(app), config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
