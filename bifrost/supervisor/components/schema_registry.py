"""The schema registry: Apicurio, with Confluent's API at the root of its address (see `jvm/registry`)."""

from __future__ import annotations

from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import server_security
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "schema_registry"


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The registry; its database is the file `<data>/schema_registry/registry`."""
    data = settings.data / NAME
    options = {
        # A client that writes a schema with other white space or attribute order than it was registered with finds it,
        # as with Confluent's registry.
        "apicurio.ccompat.use-canonical-hash": "true",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        # In memory, the ids of schemas would be lost with the process, and every Avro record with them. WRITE_DELAY=0
        # writes an id to disk before the registry returns it. On a full disk the database closes itself; the listener
        # then ends the process, which the supervisor starts again.
        "apicurio.datasource.url": f"jdbc:h2:file:{data / 'registry'};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE"
        ";DATABASE_EVENT_LISTENER='bifrost.registry.StoreFailure'",
        "apicurio.rest.deletion.group.enabled": "true",
        "apicurio.rest.deletion.artifact.enabled": "true",
        "apicurio.rest.deletion.artifact-version.enabled": "true",
    }
    memory = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.shared_classes(stack.root, NAME),
            *(f"-D{key}={value}" for key, value in options.items()),
            *server_security.options(settings, NAME),
            "-cp",
            stack.registry_classpath,
            "bifrost.registry.RegistryNode",
            str(settings.port(NAME)),
            *sorted(settings.allowed_hosts),
        ),
        env=settings.values,
        prepare=lambda: _prepare(settings, data),
        probe=probes.http(settings, NAME, "/subjects"),
        grace_s=java.grace_s(stack.root, NAME, 20),
    )


def _prepare(settings: Settings, data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    server_security.write(settings, NAME, "SCHEMA_REGISTRY")
