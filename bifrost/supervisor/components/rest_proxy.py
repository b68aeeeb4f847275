"""The REST proxy: Kafka over HTTP."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor import probes
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python

NAME = "rest_proxy"


def component(settings: Settings) -> Component:
    """The proxy."""
    return Component(
        name=NAME,
        command=python.command("bifrost.rest_proxy"),
        env=python.environment(settings),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        probe=probes.http(settings.port(NAME), "/"),
        grace_s=10,
    )
