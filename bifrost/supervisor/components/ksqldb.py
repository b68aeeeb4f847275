"""The embedded ksqlDB engine and its REST API."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor import probes
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python

NAME = "ksqldb"


def component(settings: Settings) -> Component:
    """The engine's server; its statements and state are in the broker's topics."""
    return Component(
        name=NAME,
        command=python.command("bifrost.server"),
        env=python.environment(settings),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        probe=probes.http(settings.port(NAME), "/info"),
    )
