"""The REST proxy: Kafka over HTTP."""

from __future__ import annotations

from bifrost.security.roles import REST_PROXY
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python_program
from bifrost.supervisor.processes import probes

NAME = "rest_proxy"


def component(settings: Settings) -> Component:
    """The proxy."""
    return Component(
        name=NAME,
        command=python_program.command("bifrost.rest_proxy"),
        env=python_program.environment(settings, REST_PROXY),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        probe=probes.http(settings, NAME, "/"),
        grace_s=10,
    )
