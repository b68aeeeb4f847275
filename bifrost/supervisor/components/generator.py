"""Demo data generators, one per pipeline, started on request. Their rates are low: they run for days on a laptop."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.security.roles import CAPTURE, GENERATORS
from bifrost.settings import Settings
from bifrost.supervisor.component import Component, Restart
from bifrost.supervisor.components import python_program

NAME = "generator"
WIFI_NAME = "wifi_replay"

DEMOS: Mapping[str, str] = {
    "ratings": NAME,
    "wifi": WIFI_NAME,
    "orders": "orders_demo",
    "syslog": "syslog_demo",
    "logons": "logons_demo",
    "patterns": "patterns_demo",
}
"""The component that generates demo data, by pipeline."""


def component(settings: Settings) -> Component:
    """The generator of ratings, at its low default rate."""
    return _demo(settings, NAME, "bifrost.generators.ratings")


def wifi(settings: Settings) -> Component:
    """Replays a small capture file in a loop with current timestamps, 5 frames per second."""
    file = settings.project / "data" / "wifi" / "house.pcap"
    return _demo(settings, WIFI_NAME, "capture", "--replay", str(file), "--loop", "--now", "--rate", "5", role=CAPTURE)


def orders(settings: Settings) -> Component:
    """Writes a CSV file of 24 orders every two minutes."""
    return _demo(settings, DEMOS["orders"], "bifrost.generators.orders", "--rate", "0.2", "--file-interval", "120")


def syslog(settings: Settings) -> Component:
    """Sends a log line per second to the syslog source, once its port is open."""
    return _demo(settings, DEMOS["syslog"], "bifrost.generators.syslog", "--rate", "1")


def logons(settings: Settings) -> Component:
    """Writes a row of the order entry system every two seconds."""
    return _demo(settings, DEMOS["logons"], "bifrost.generators.logons", "--rate", "0.5", needs=("postgres",))


def patterns(settings: Settings) -> Component:
    """Sends an event of the query patterns per second."""
    return _demo(settings, DEMOS["patterns"], "bifrost.generators.patterns", "--rate", "1")


def _demo(
    settings: Settings,
    name: str,
    module: str,
    *arguments: str,
    needs: tuple[str, ...] = (),
    role: str = GENERATORS,
) -> Component:
    return Component(
        name=name,
        command=python_program.command(module, *arguments),
        env=python_program.environment(settings, role, metrics_of=name),
        cwd=settings.project,
        depends_on=("broker", "schema_registry", *needs),
        restart=Restart.ON_FAILURE,
        grace_s=10,
        with_platform=False,
    )
