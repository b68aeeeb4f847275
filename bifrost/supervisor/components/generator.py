"""Demo data generators, started on request per pipeline: ratings of a web application, a replay of Wi-Fi frames."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Restart
from bifrost.supervisor.components import python_program

NAME = "generator"
WIFI_NAME = "wifi_replay"

DEMOS: Mapping[str, str] = {"ratings": NAME, "wifi": WIFI_NAME}
"""The component that generates demo data, by pipeline."""


def component(settings: Settings) -> Component:
    """The generator of ratings, at its low default rate."""
    return _demo(settings, NAME, "bifrost.generators.ratings")


def wifi(settings: Settings) -> Component:
    """Replays a small capture file in a loop with current timestamps, 5 frames per second."""
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
