"""The console: the embedded web page, with the inbox of sent notifications."""

from __future__ import annotations

from bifrost.security.roles import CONSOLE
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python_program
from bifrost.supervisor.processes import probes

NAME = "console"


def component(settings: Settings) -> Component:
    """The console."""
    return Component(
        name=NAME,
        command=python_program.command("bifrost.console"),
        env=python_program.environment(settings, CONSOLE),
        cwd=settings.project,
        probe=probes.http(settings, NAME, "/healthz"),
        grace_s=10,
    )
