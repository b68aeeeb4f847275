"""The console: the embedded web page, with the inbox of sent notifications."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor import probes
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python

NAME = "console"


def component(settings: Settings) -> Component:
    """The console."""
    return Component(
        name=NAME,
        command=python.command("bifrost.console"),
        env=python.environment(settings),
        cwd=settings.project,
        probe=probes.http(settings.port(NAME), "/healthz"),
        grace_s=10,
    )
