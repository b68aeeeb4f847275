"""The generator of ratings that plays the web application. Started on command, once its topic is there."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Restart
from bifrost.supervisor.components import python

NAME = "generator"


def component(settings: Settings) -> Component:
    """The generator at its gentle default rate."""
    return Component(
        name=NAME,
        command=python.command("bifrost.generators.ratings"),
        env=python.environment(settings),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        restart=Restart.ON_FAILURE,
        grace_s=10,
        with_platform=False,
    )
