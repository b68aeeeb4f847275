"""The Kafka rights that the declarations give to the programs of a secured platform: declared things to ACLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bifrost.clients.kafka_access import Right
from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector, DeclaredService, DeclaredStatement
from bifrost.deployer.plan.record_flow import DEAD_LETTERS
from bifrost.security.rights import CONNECT_PREFIX, OWNING, READING, WRITING, on_group, on_topic
from bifrost.security.roles import (
    CAPTURE,
    CONNECT,
    CONSOLE,
    DEPLOYER,
    ENGINE,
    GENERATORS,
    REST_PROXY,
    SERVICES,
    WATCH,
)
from bifrost.sql.tree import CreateAsSelect, CreateSource, InsertSelect, InsertValues

CAPTURE_TOPIC = "pcap"
"""Where captured frames go."""
EVENTS_TOPIC = "platform_events"
"""Where the watcher reports what fails."""
_HISTORY = "schema.history.internal.kafka.topic"
REST_GROUPS = "rest-"
"""With what the consumer groups of REST consumers begin."""


def declared_rights(declared: Declarations) -> frozenset[Right]:
    """What each role may do with the declared topics and the groups that read them.

    `declared` must be everything, as the target runs it: what a program loses is revoked.
    """
    return frozenset(
        (
            *(right for connector in declared.connectors for right in _of_connector(connector, declared)),
            *(right for statement in declared.statements for right in _of_statement(statement, declared)),
            *_of_services(declared),
            *_of_writers_outside(declared),
            *_of_people(declared),
        )
    )


def topics_from_outside(declared: Declarations) -> tuple[str, ...]:
    """The declared topics that neither a connector nor a query fills, sorted: generators and web apps write them."""
    sinks = {item.topic for item in declared.statements if isinstance(item.tree, CreateAsSelect)}
    dead_letters = {connector.config.get(DEAD_LETTERS, "") for connector in declared.connectors}
    sources = [item for item in declared.connectors if not item.is_sink]
    filled = frozenset[str]().union(*(_filled(item, declared) for item in sources))
    written = sinks | dead_letters | filled | {EVENTS_TOPIC}
    return tuple(sorted(item.name for item in declared.topics if item.name not in written))


def _of_connector(connector: DeclaredConnector, declared: Declarations) -> Iterator[Right]:
    if not connector.is_sink:
        for name in _filled(connector, declared):
            yield from on_topic(CONNECT, name, *WRITING)
        if history := connector.config.get(_HISTORY):
            # The connector creates it, and reads it at each start, as a group that Debezium names after the prefix.
            yield from on_topic(CONNECT, history, "create", *READING)
            yield from on_group(
                CONNECT, f"{connector.config.get('topic.prefix', '')}-schemahistory", "describe", "read"
            )
        return
    for name in _read(connector, declared):
        yield from on_topic(CONNECT, name, *READING)
    yield from on_group(CONNECT, f"{CONNECT_PREFIX}{connector.name}", "describe", "read", "delete")
    if dead_letters := connector.config.get(DEAD_LETTERS):
        yield from on_topic(CONNECT, dead_letters, "create", *WRITING)


def _filled(connector: DeclaredConnector, declared: Declarations) -> frozenset[str]:
    """The topics that a source writes: those that name it, that it names, and those with its prefix."""
    prefix = connector.config.get("topic.prefix")
    return frozenset(
        {topic.name for topic in declared.topics if topic.connector == connector.name}
        | {topic.name for topic in declared.topics if prefix and topic.name.startswith(prefix) and not topic.connector}
        | set(_named(connector))
    )


def _named(connector: DeclaredConnector) -> tuple[str, ...]:
    """The topics that the keys of a source name, such as `kafka.topic` or that of a schema history."""
    values = (value for key, value in connector.config.items() if key.endswith("topic"))
    return () if connector.is_sink else tuple(sorted({value for value in values if value and "${" not in value}))


def _read(connector: DeclaredConnector, declared: Declarations) -> tuple[str, ...]:
    pattern = connector.config.get("topics.regex", "")
    try:
        matched = {name for name in declared.written_topics if pattern and re.fullmatch(pattern, name)}
    except re.error:
        # A pattern that only Java knows.
        matched = set(declared.written_topics)
    return tuple(sorted({*connector.topics, *matched}))


def _of_statement(statement: DeclaredStatement, declared: Declarations) -> Iterator[Right]:
    match statement.tree:
        case CreateAsSelect():
            yield from on_topic(ENGINE, statement.topic, *OWNING)
        case CreateSource():
            # With a number of partitions it creates the topic, too.
            yield from on_topic(ENGINE, statement.topic, "create", "delete", *READING)
        case InsertSelect() | InsertValues():
            target = statement.tree.target
            for other in declared.statements:
                if other.name == target and other.topic:
                    yield from on_topic(ENGINE, other.topic, *WRITING)


def _of_services(declared: Declarations) -> Iterator[Right]:
    for alert in declared.alerts:
        yield from on_topic(SERVICES, alert.topic, *READING)
        yield from on_group(SERVICES, alert.group, "describe", "read")
        yield from on_topic(SERVICES, alert.dead_letter_topic, "create", *WRITING)
    topics = {item.name: item.topic for item in declared.statements if item.topic}
    for service in declared.services:
        yield from _of_service(service, topics)
    yield from on_topic(WATCH, EVENTS_TOPIC, *WRITING)


def _of_service(service: DeclaredService, topics: dict[str, str]) -> Iterator[Right]:
    for name in service.reads:
        yield from on_topic(SERVICES, topics.get(name, name), *READING)
    for name in service.writes:
        yield from on_topic(SERVICES, topics.get(name, name), *WRITING)
    yield from on_group(SERVICES, service.name, "describe", "read")
    yield from on_topic(SERVICES, f"{service.name}.dlq", "create", *WRITING)


def _of_writers_outside(declared: Declarations) -> Iterator[Right]:
    outside = topics_from_outside(declared)
    for name in outside:
        yield from on_topic(GENERATORS, name, *WRITING)
        yield from on_topic(REST_PROXY, name, *WRITING)
        # ksqlDB's INSERT INTO ... VALUES, with which first rows and tests are written.
        yield from on_topic(ENGINE, name, *WRITING)
    if CAPTURE_TOPIC in outside:
        yield from on_topic(CAPTURE, CAPTURE_TOPIC, *WRITING)
    for name in declared.written_topics:
        yield from on_topic(REST_PROXY, name, *READING)
    yield from on_group(REST_PROXY, REST_GROUPS, "describe", "read", is_prefix=True)


def _of_people(declared: Declarations) -> Iterator[Right]:
    """Commands and console replay dead letters to the topics from which they came, and delete keys."""
    for role in (DEPLOYER, CONSOLE):
        for name in declared.written_topics:
            yield from on_topic(role, name, "write")
