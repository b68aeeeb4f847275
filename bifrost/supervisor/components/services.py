"""The notification services, a component each. They start on request, once the topics that they read exist."""

from __future__ import annotations

from bifrost.security.roles import SERVICES, WATCH
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import python_program
from bifrost.supervisor.processes import probes


def wifi_telegram_bot(settings: Settings) -> Component:
    """Answers questions on Telegram: which networks a device has looked for."""
    return Component(
        name="wifi_telegram_bot",
        command=python_program.command("services.wifi_telegram_bot"),
        env=python_program.environment(settings, SERVICES, metrics_of="wifi_telegram_bot"),
        cwd=settings.project,
        depends_on=("ksqldb", "console"),
        with_platform=False,
    )


def wifi_telegram_alerts(settings: Settings) -> Component:
    """Notifies Telegram when a device looks for a network on the watch list."""
    return Component(
        name="wifi_telegram_alerts",
        command=python_program.command("services.wifi_telegram_alerts"),
        env=python_program.environment(settings, SERVICES, metrics_of="wifi_telegram_alerts"),
        cwd=settings.project,
        depends_on=("broker", "console"),
        with_platform=False,
    )


def alerts(settings: Settings) -> Component:
    """Sends the alerts of `alerts/`; ready once every alert is subscribed and can miss no record."""
    return Component(
        name="alerts",
        command=python_program.command("services.alerts"),
        env=python_program.environment(settings, SERVICES, metrics_of="alerts"),
        cwd=settings.project,
        prepare=lambda: settings.alert_problems.unlink(missing_ok=True),
        probe=probes.file(settings.alert_problems),
        depends_on=("broker", "schema_registry", "ksqldb", "console"),
        with_platform=False,
    )


def platform_watch(settings: Settings) -> Component:
    """Restarts what fails, and reports it as events of the platform."""
    return Component(
        name="platform_watch",
        command=python_program.command("services.platform_watch"),
        env=python_program.environment(settings, WATCH, metrics_of="platform_watch"),
        cwd=settings.project,
        prepare=lambda: settings.watch_state.unlink(missing_ok=True),
        probe=probes.file(settings.watch_state),
        depends_on=("broker",),
        with_platform=False,
    )
