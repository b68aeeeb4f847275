"""The notification services, a component each. They are started on command, when what they read from is deployed."""

from __future__ import annotations

from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python_program
from bifrost.supervisor.processes import probes


def wifi_telegram_bot(settings: Settings) -> Component:
    """Answers on Telegram which networks a device has looked for."""
    return Component(
        name="wifi_telegram_bot",
        command=python_program.command("services.wifi_telegram_bot"),
        env=python_program.environment(settings),
        cwd=settings.project,
        depends_on=("ksqldb", "console"),
        with_platform=False,
    )


def wifi_telegram_alerts(settings: Settings) -> Component:
    """Tells on Telegram when a device looks for a network that is on the list."""
    return Component(
        name="wifi_telegram_alerts",
        command=python_program.command("services.wifi_telegram_alerts"),
        env=python_program.environment(settings),
        cwd=settings.project,
        depends_on=("broker", "console"),
        with_platform=False,
    )


def alerts(settings: Settings) -> Component:
    """Tells what the files of `alerts/` say; ready when no alert misses a record any more."""
    return Component(
        name="alerts",
        command=python_program.command("services.alerts"),
        env=python_program.environment(settings),
        cwd=settings.project,
        prepare=lambda: settings.alert_problems.unlink(missing_ok=True),
        probe=probes.file(settings.alert_problems),
        depends_on=("broker", "schema_registry", "ksqldb", "console"),
        with_platform=False,
    )
