"""What plays the outside world in demos: a web application, a house full of Wi-Fi. Started on command, by pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Restart
from bifrost.supervisor.components import python_program

NAME = "generator"
WIFI_NAME = "wifi_replay"

DEMOS: Mapping[str, str] = {"ratings": NAME, "wifi": WIFI_NAME}
"""The component that plays a pipeline's outside world."""


def component(settings: Settings) -> Component:
    """The generator of ratings at its gentle default rate."""
    return _demo(settings, NAME, "bifrost.generators.ratings")


def wifi(settings: Settings) -> Component:
    """The replay of a small capture file, again and again as if it were now, a few frames per second."""
    file = settings.project / "data" / "wifi" / "house.pcap"
    return _demo(settings, WIFI_NAME, "capture", "--replay", str(file), "--loop", "--now", "--rate", "5")


def _demo(settings: Settings, name: str, module: str, *arguments: str) -> Component:
    return Component(
        name=name,
        command=python_program.command(module, *arguments),
        env=python_program.environment(settings),
        cwd=settings.project,
        depends_on=("broker", "schema_registry"),
        restart=Restart.ON_FAILURE,
        grace_s=10,
        with_platform=False,
    )
