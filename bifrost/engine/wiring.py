"""Assembles an engine over a live cluster, schema registry and Connect worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bifrost.clients import connect, schema_registry
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.commands import CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.runtime.insert_producer import InsertProducer
from bifrost.engine.runtime.processing_log import LogTopic, ProcessingLog
from bifrost.engine.runtime.registry import LiveRegistry
from bifrost.engine.serde import Serdes
from bifrost.engine.statements.engine_state import EngineParts
from bifrost.settings import Settings

SERVICE_ID = "default_"

# Short, since queries retry while the registry is unavailable and must be able to stop meanwhile.
_REGISTRY_PATIENCE_S = 5.0


def assemble(settings: Settings, *, properties: Mapping[str, str], now_ms: Callable[[], int]) -> EngineParts:
    """Returns the parts of the engine for the target of the settings, with the functions of `ksql/udf/`.

    Raises:
        DeclarationError: a file of user-defined functions cannot be loaded.
    """
    cluster = Cluster(settings.kafka_client())
    registry = LiveRegistry(schema_registry.from_settings(settings, patience_s=_REGISTRY_PATIENCE_S))
    serdes, functions = Serdes(registry), registry_of(settings.project / "ksql" / "udf")
    service_id = settings.get("KSQL_SERVICE_ID", SERVICE_ID)
    log = ProcessingLog(service_id, LogTopic(cluster), now_ms)
    endpoints = settings.endpoints
    outside = {
        "ksql.connect.url": endpoints.connect,
        "ksql.schema.registry.url": endpoints.schema_registry,
        "ksql.streams.bootstrap.servers": endpoints.kafka,
    }
    return EngineParts(
        environment=LiveEnvironment(cluster, registry),
        functions=functions,
        launcher=Launcher(cluster, serdes, functions, log, service_id, now_ms),
        commands=CommandTopic(cluster, service_id),
        inserts=InsertWriter(InsertProducer(cluster), serdes, now_ms),
        connect=connect.from_settings(settings),
        properties={**outside, **properties},
    )
