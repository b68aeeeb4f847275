"""The Kafka broker: one KRaft node, broker and controller in one process."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from bifrost.clients.kafka import KafkaAdmin, TopicDescription
from bifrost.default_settings import LOOPBACK
from bifrost.security.rights import CONNECT_TOPICS
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import jmx_agent
from bifrost.supervisor.components.broker_security import PREPARE_S, prepare_users, secured_listeners
from bifrost.supervisor.components.config_files import write_log4j, write_properties
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes
from bifrost.supervisor.processes.child_process import run_step
from bifrost.supervisor.processes.component_logs import log_path

NAME = "broker"
ANY_TIME_MS = 2**63 - 1
ALWAYS_MINUTES = 2**31 - 1


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The broker; its data is in `<data>/broker`."""
    run = settings.run / NAME
    properties = run / "server.properties"
    # With the default ratio, 8, what is in use during a collection does not fit into a survivor space and becomes
    # old at once; full collections, of 300 ms, then come every 30 s under load.
    memory = ("-Xms128m", "-Xmx640m", "-Xmn96m", "-XX:SurvivorRatio=3", "-XX:+UseSerialGC")
    logging = f"-Dlog4j2.configurationFile={run / 'log4j2.properties'}"
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.optimises_late,
            *jmx_agent.options(settings, NAME),
            *_class_archive(settings, java, stack),
            logging,
            "-cp",
            stack.kafka_classpath,
            "kafka.Kafka",
            str(properties),
        ),
        env=settings.values,
        prepare=lambda: _prepare(settings, java, stack, properties),
        probe=probes.tcp(settings.port("kafka")),
        after_ready=lambda: _prepare_cluster(settings),
        grace_s=java.grace_s(stack.root, NAME, 30),
    )


def _class_archive(settings: Settings, java: Java, stack: Stack) -> tuple[str, ...]:
    """Options for the archive of its classes. Java refuses to start with an agent if it is to write one."""
    share = java.classes_shared_by if settings.has_jmx else java.shared_classes
    return share(stack.root, NAME)


def _prepare(settings: Settings, java: Java, stack: Stack, properties: Path) -> None:
    write_log4j(properties.with_name("log4j2.properties"))
    write_properties(properties, server_properties(settings))
    jmx_agent.prepare(settings, NAME)
    folder = settings.data / NAME
    folder.mkdir(parents=True, exist_ok=True)
    # Connect's topic of configurations holds a password that a connector's file contains.
    folder.chmod(0o700)
    formatted = folder / "formatted"
    if formatted.exists():
        return
    logs = folder / "log"
    shutil.rmtree(logs, ignore_errors=True)
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", new_cluster_id(), "--config", str(properties))
    command = (java.program, *java.short_lived, "-cp", stack.kafka_classpath, *tool)
    run_step(NAME, command, log=log_path(settings, NAME), env=settings.values)
    formatted.touch()


def new_cluster_id(new_uuid: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """A random cluster id: a UUID in 22 characters of URL-safe base64.

    As Kafka's own ids, it never begins with `-`, which the storage tool takes for an option.
    """
    while True:
        cluster_id = base64.urlsafe_b64encode(new_uuid().bytes).rstrip(b"=").decode()
        if not cluster_id.startswith("-"):
            return cluster_id


def server_properties(settings: Settings) -> dict[str, object]:
    """The broker's configuration: one node on the loopback, replication factor 1 everywhere."""
    return {
        **_listeners(settings.port("kafka"), settings.port("kafka_controller")),
        **(secured_listeners(settings) if settings.is_secured else {}),
        "log.dirs": settings.data / NAME / "log",
        # Topics are declared, so a misspelt name must be an error and not a new topic.
        "auto.create.topics.enable": "false",
        "num.partitions": 1,
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        # The engine commits only what has changed, and a platform may stand still for weeks. Without its offset, a
        # query would repeat all its results, and a service would miss what has arrived meanwhile.
        "offsets.retention.minutes": ALWAYS_MINUTES,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "log.retention.hours": 168,
        "log.message.timestamp.type": "CreateTime",
        # Kafka 4 refuses records more than an hour ahead of its clock, such as those of a capture with a wrong clock.
        "log.message.timestamp.after.max.ms": ANY_TIME_MS,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        # A lone consumer need not wait for others, and may ask to be declared dead one second after its last heartbeat.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a kill the broker waits until its previous registration expires. But a shorter time would let a busy
        # machine delay its heartbeats for so long that its controller takes all partitions from it.
        "broker.session.timeout.ms": 9000,
        "broker.heartbeat.interval.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }


def _listeners(port: int, controller_port: int) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
    }


def _prepare_cluster(settings: Settings) -> None:
    if settings.is_secured:
        admin: KafkaAdmin = prepare_users(settings)
    else:
        admin = KafkaAdmin({"bootstrap.servers": f"{LOOPBACK}:{settings.port('kafka')}"}, timeout_s=PREPARE_S)
    # Connect creates them too, but never accepts one that another program created without compaction.
    for name in CONNECT_TOPICS:
        admin.create(TopicDescription(name, 1, 1, {"cleanup.policy": "compact"}))
