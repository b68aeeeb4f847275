"""The embedded ksqlDB engine and its REST API."""

from __future__ import annotations

from bifrost.security.roles import ENGINE
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python_program
from bifrost.supervisor.processes import probes

NAME = "ksqldb"


def component(settings: Settings) -> Component:
    """The engine's server; it stores statements and state in topics."""
    return Component(
        name=NAME,
        command=python_program.command("bifrost.server"),
        env=python_program.environment(settings, ENGINE),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        probe=probes.http(settings, NAME, "/info"),
    )
