"""Assembles an engine over a live cluster, schema registry and Connect worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from bifrost.clients import connect, schema_registry
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.queries.inserts import InsertWriter
from bifrost.engine.queries.launcher import Launcher
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.commands import CommandTopic
from bifrost.engine.runtime.environment import LiveEnvironment
from bifrost.engine.runtime.insert_producer import InsertProducer
from bifrost.engine.runtime.job import TaskShare
from bifrost.engine.runtime.processing_log import LogTopic, ProcessingLog
from bifrost.engine.runtime.registry import LiveRegistry
from bifrost.engine.runtime.shared_scan import SharedScan
from bifrost.engine.serde import Serdes
from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.home import StateHome
from bifrost.engine.statements.engine_state import EngineParts
from bifrost.engine.workers.spawning import by_command
from bifrost.engine.workers.worker_host import WorkerHost
from bifrost.engine.workers.worker_pool import WorkerPool
from bifrost.errors import SettingError
from bifrost.settings import Settings

# Short, since queries retry while the registry is unavailable and must be able to stop meanwhile.
_REGISTRY_PATIENCE_S = 5.0
_WORKER = (sys.executable, "-u", "-m", "bifrost.server.worker")


def assemble(settings: Settings, *, properties: Mapping[str, str], now_ms: Callable[[], int]) -> EngineParts:
    """Returns the parts of the engine for the target of the settings, with the functions of `ksql/udf/`.

    With two workers or more, its persistent queries run in worker processes; with one, in this process.

    Raises:
        DeclarationError: a file of user-defined functions cannot be loaded.
        SettingError: the number of workers is not a number.
    """
    registry = _registry(settings)
    launcher = _launcher(settings, registry, now_ms)
    cluster, serdes = launcher.cluster, launcher.serdes
    if settings.ksql_workers > 1:
        launcher = replace(launcher, hosts=WorkerPool(settings.ksql_workers, by_command(_WORKER), serdes, now_ms))
    endpoints = settings.endpoints
    outside = {
        "ksql.connect.url": endpoints.connect,
        "ksql.schema.registry.url": endpoints.schema_registry,
        "ksql.streams.bootstrap.servers": endpoints.kafka,
    }
    return EngineParts(
        environment=LiveEnvironment(cluster, registry),
        functions=launcher.functions,
        launcher=launcher,
        commands=CommandTopic(cluster, launcher.service_id),
        inserts=InsertWriter(InsertProducer(cluster), serdes, now_ms),
        connect=connect.from_settings(settings),
        properties={**outside, **properties},
    )


def worker_host(settings: Settings, share: TaskShare, now_ms: Callable[[], int]) -> WorkerHost:
    """Returns the inside of a worker process that owns a share of the tasks; its clients and functions are separate.

    Raises:
        DeclarationError: a file of user-defined functions cannot be loaded.
    """
    return WorkerHost(replace(_launcher(settings, _registry(settings), now_ms), share=share))


def _registry(settings: Settings) -> LiveRegistry:
    return LiveRegistry(schema_registry.from_settings(settings, patience_s=_REGISTRY_PATIENCE_S))


def _launcher(settings: Settings, registry: LiveRegistry, now_ms: Callable[[], int]) -> Launcher:
    cluster, service_id = Cluster(settings.kafka_client()), settings.ksql_service_id
    functions = registry_of(settings.project / "ksql" / "udf")
    log = ProcessingLog(service_id, LogTopic(cluster), now_ms)
    state = state_home(settings, service_id)
    scan = SharedScan(cluster, f"_confluent-ksql-{service_id}scan")
    return Launcher(cluster, Serdes(registry), functions, log, service_id, now_ms, state=state, scan=scan)


def state_home(settings: Settings, service_id: str) -> StateHome:
    """Returns where queries have their state on disk: `data/ksqldb/<service id>`, with `KSQL_STATE_BUDGET_MB`.

    Raises:
        SettingError: the budget is not a number of megabytes.
    """
    megabytes = settings.get("KSQL_STATE_BUDGET_MB", "256")
    if not megabytes.isdecimal() or not int(megabytes):
        raise SettingError("KSQL_STATE_BUDGET_MB", f"{megabytes!r} is not a number of megabytes above 0")
    return StateHome(settings.data / "ksqldb" / service_id, StateBudget(int(megabytes) * 1024 * 1024))
