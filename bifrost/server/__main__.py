"""The embedded ksqlDB server: `python -m bifrost.server`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time

from hypercorn.asyncio import serve
from hypercorn.config import Config

from bifrost.clients import connect, schema_registry
from bifrost.engine.engine import KsqlEngine
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.parts import EngineParts
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.commands import CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.runtime.processing_log import LogTopic, ProcessingLog
from bifrost.engine.runtime.registry import LiveRegistry
from bifrost.engine.runtime.writer import RecordWriter
from bifrost.engine.serde import Serdes
from bifrost.errors import BifrostError
from bifrost.server.app import ServerIdentity, create_app
from bifrost.server.auth import Credentials
from bifrost.settings import LOOPBACK, Settings, load

_log = logging.getLogger(__name__)
SERVICE_ID = "default_"


def main() -> int:
    """Runs the server until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    # Queries run beside requests in one interpreter: a shorter turn keeps look-ups quick under load.
    sys.setswitchinterval(0.001)
    try:
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
        RemoteError: the broker does not answer.
        DeclarationError: a file of user-defined functions cannot be loaded.
    """
    cluster = Cluster(settings.kafka_client())
    registry = LiveRegistry(schema_registry.from_settings(settings))
    serdes, functions = Serdes(registry), registry_of(settings.project / "ksql" / "udf")
    service_id = settings.get("KSQL_SERVICE_ID", SERVICE_ID)
    log = ProcessingLog(service_id, LogTopic(cluster), _now_ms)
    launcher = Launcher(cluster, serdes, functions, log, service_id, _now_ms)
    parts = EngineParts(
        environment=LiveEnvironment(cluster, registry),
        functions=functions,
        launcher=launcher,
        commands=CommandTopic(cluster, service_id),
        inserts=InsertWriter(RecordWriter(cluster), serdes, _now_ms),
        connect=connect.from_settings(settings),
    )
    host = f"{LOOPBACK}:{settings.port('ksqldb')}"
    parts.properties.update(server_properties(settings))
    return KsqlEngine(parts), ServerIdentity(service_id, cluster.admin.cluster_id(), host)


def server_properties(settings: Settings) -> dict[str, str]:
    """ksqlDB's properties as its Docker image takes them: `KSQL_KSQL_STREAMS_X_Y` sets `ksql.streams.x.y`."""
    prefix = "KSQL_KSQL_"
    return {
        name.removeprefix("KSQL_").lower().replace("_", "."): value
        for name, value in settings.values.items()
        if name.startswith(prefix)
    }


def credentials(settings: Settings) -> Credentials | None:
    """Whom the API is for, by the settings that its clients use too; None: anyone who reaches the port.

    Raises:
        SettingError: there is a user without a password.
    """
    user = settings.get("KSQLDB_USER")
    return Credentials(user, settings.require("KSQLDB_PASSWORD", "KSQLDB_USER is set")) if user else None


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _serve(engine: KsqlEngine, identity: ServerIdentity, settings: Settings) -> None:
    config = Config()
    config.bind = [identity.host]
    config.accesslog = None
    config.graceful_timeout = 1.0
    config.keep_alive_timeout = 3600.0
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _log.info("listening on http://%s, %d queries running", identity.host, len(engine.state.queries))
    await serve(create_app(engine, identity, credentials(settings)), config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
