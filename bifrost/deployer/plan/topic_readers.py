"""Who reads a topic that a replaced query writes: alerts, services, sink connectors and other consumer groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bifrost.clients.ksqldb import INTERNAL_NAMES
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.files import ALERT_SERVICE
from bifrost.deployer.live.state import LiveState

_CONNECT = "connect-"


@dataclass(frozen=True, slots=True)
class Notifier:
    """A consumer group that sends messages for the records of a topic; `service` is the process that it belongs to."""

    label: str
    group: str
    service: str
    unread: int = 0


@dataclass(frozen=True, slots=True)
class SinkReader:
    """A sink connector that reads a topic."""

    name: str
    config: Mapping[str, str]

    @property
    def overwrites(self) -> bool:
        """Whether a record that is read again changes the same document or row once more."""
        kind = self.config.get("connector.class", "")
        if "Elasticsearch" in kind:
            return self.config.get("key.ignore", "false") != "true"
        return "Jdbc" in kind and self.config.get("insert.mode", "insert") == "upsert"


def notifiers(topic: str, everything: Declarations, live: LiveState) -> Iterator[Notifier]:
    """The declared alerts on a topic, and the services whose group of the same name reads it."""
    unread = live.unread.get(topic, {})
    for alert in everything.alerts:
        if alert.topic == topic:
            yield Notifier(f"alert {alert.name}", alert.group, ALERT_SERVICE, unread.get(alert.group, 0))
    for service in everything.services:
        if service.name in unread:
            yield Notifier(f"service {service.name}", service.name, service.name, unread[service.name])


def sink_readers(topic: str, everything: Declarations, live: LiveState) -> tuple[SinkReader, ...]:
    """The live sink connectors that read a topic, sorted by name."""
    configs = {connector.name: connector.config for connector in everything.connectors}
    configs |= {name: connector.config for name, connector in live.connectors.items()}
    return tuple(
        SinkReader(name, config)
        for name, config in sorted(configs.items())
        if name in live.connectors and _reads(config, topic)
    )


def other_groups(topic: str, everything: Declarations, live: LiveState) -> tuple[str, ...]:
    """The consumer groups on a topic that are neither the project's nor those of connectors and queries."""
    known = {notifier.group for notifier in notifiers(topic, everything, live)}
    return tuple(
        group
        for group in sorted(live.unread.get(topic, {}))
        if group not in known and not group.startswith((_CONNECT, INTERNAL_NAMES))
    )


def _reads(config: Mapping[str, str], topic: str) -> bool:
    if topic in {name.strip() for name in config.get("topics", "").split(",")}:
        return True
    try:
        return re.fullmatch(config.get("topics.regex", ""), topic) is not None
    except re.error:
        return False
