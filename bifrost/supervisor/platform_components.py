"""The components of the embedded platform, built from the settings."""

from __future__ import annotations

from collections.abc import Collection

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components import (
    broker,
    connect,
    console,
    generator,
    ksqldb,
    mariadb,
    mongodb,
    postgres,
    rest_proxy,
    s3,
    schema_registry,
    search,
    services,
)
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.install.jvm_stack import stack_of

COMPONENTS = (
    "broker",
    "schema_registry",
    "mariadb",
    "postgres",
    "mongodb",
    "search",
    "s3",
    "connect",
    "ksqldb",
    "console",
    "rest_proxy",
    "wifi_telegram_bot",
    "wifi_telegram_alerts",
    "alerts",
    "platform_watch",
    "generator",
    "wifi_replay",
    "orders_demo",
    "syslog_demo",
    "logons_demo",
    "patterns_demo",
)
"""All names, in starting order."""

ON_COMMAND = (
    "postgres",
    "wifi_telegram_bot",
    "wifi_telegram_alerts",
    "alerts",
    "platform_watch",
    *generator.DEMOS.values(),
)
"""Started by the deployer and not with the platform: they need what the deployer creates."""


def platform_components(settings: Settings, *, only: Collection[str] | None = None) -> tuple[Component, ...]:
    """Build the components, or those in `only`.

    Raises:
        ComponentError: a name is unknown, or no suitable Java is installed.
    """
    unknown = set(only or ()) - set(COMPONENTS)
    if unknown:
        raise ComponentError(", ".join(sorted(unknown)), f"no such component; known are {', '.join(COMPONENTS)}")
    java = find_java(settings)
    if java is None:
        raise ComponentError("platform", "no suitable Java found")
    stack = stack_of(settings)
    every = (
        broker.component(settings, java, stack),
        schema_registry.component(settings, java, stack),
        mariadb.component(settings),
        postgres.component(settings),
        mongodb.component(settings, java, stack),
        search.component(settings, java, stack),
        s3.component(settings, java, stack),
        connect.component(settings, java, stack),
        ksqldb.component(settings),
        console.component(settings),
        rest_proxy.component(settings),
        services.wifi_telegram_bot(settings),
        services.wifi_telegram_alerts(settings),
        services.alerts(settings),
        services.platform_watch(settings),
        generator.component(settings),
        generator.wifi(settings),
        generator.orders(settings),
        generator.syslog(settings),
        generator.logons(settings),
        generator.patterns(settings),
    )
    return tuple(component for component in every if only is None or component.name in only)
