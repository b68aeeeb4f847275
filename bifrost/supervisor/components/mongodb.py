"""The document database: a MongoDB-compatible replica set of one, filled from `data/mongodb` at its first start."""

from __future__ import annotations

from bifrost.default_settings import MONGODB_REPLICA_SET
from bifrost.security.roles import MONGODB_READERS
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import server_security
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "mongodb"


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The server; its data is in `<data>/mongodb/documents.mv`."""
    memory = ("-Xms32m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    file = settings.data / NAME / "documents.mv"
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.shared_classes(stack.root, NAME),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            *server_security.options(settings, NAME),
            "-cp",
            stack.mongo_classpath,
            "bifrost.mongo.MongoNode",
            *(str(file), str(settings.port(NAME)), MONGODB_REPLICA_SET),
        ),
        env=settings.values,
        prepare=lambda: server_security.write(settings, NAME, "MONGODB", MONGODB_READERS),
        probe=probes.tcp(settings.port(NAME)),
        after_ready=lambda: _fill(settings),
        grace_s=java.grace_s(stack.root, NAME, 20),
    )


def _fill(settings: Settings) -> None:
    # The client takes longer to import than all else that `down` needs.
    from bifrost.clients import mongodb

    # The password may have changed since the platform started.
    now = Settings(settings.values, settings.project)
    mongodb.seed(now.local_mongodb(), settings.project / "data" / "mongodb")
