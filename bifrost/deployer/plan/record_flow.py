"""Where records go: from source connectors and topics through statements to sinks, dashboards and services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.statement_files import sources_of
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Dependencies, Thing, dependencies_of
from bifrost.sql.tree import InsertSelect, InsertValues

DEAD_LETTERS = "errors.deadletterqueue.topic.name"
_BESIDE = frozenset({ResourceKind.SUBJECT, ResourceKind.TEMPLATE})
"""Descriptions of records, which none flow through."""


@dataclass(frozen=True, slots=True)
class RecordFlow:
    """The things that each thing feeds directly; things that neither feed nor read anything are included."""

    feeds: Mapping[Thing, tuple[Thing, ...]]

    @property
    def fed_by(self) -> dict[Thing, tuple[Thing, ...]]:
        """The things that feed each thing directly."""
        found: dict[Thing, list[Thing]] = {thing: [] for thing in self.feeds}
        for thing, others in self.feeds.items():
            for other in others:
                found[other].append(thing)
        return {thing: tuple(others) for thing, others in found.items()}

    def around(self, things: Iterable[Thing]) -> RecordFlow:
        """The part with all that feeds these things or is fed by them, directly or not."""
        wanted = list(things)
        backwards = Dependencies(self.fed_by)
        taken = {*wanted}
        for thing in wanted:
            taken.update(Dependencies(self.feeds).all_needs(thing), backwards.all_needs(thing))
        return RecordFlow(
            {
                thing: tuple(other for other in others if other in taken)
                for thing, others in self.feeds.items()
                if thing in taken
            }
        )


def record_flow(declared: Declarations) -> RecordFlow:
    """The flow between the declared things; without rows that a script inserts, and what only describes records."""
    needs = dependencies_of(declared).needs
    rows = {
        Thing(ResourceKind.STATEMENT, item.name) for item in declared.statements if isinstance(item.tree, InsertValues)
    }
    feeds: dict[Thing, dict[Thing, None]] = {
        thing: {} for thing in needs if thing.kind not in _BESIDE and thing not in rows
    }
    for origin, reader in (*_written(declared), *_read(declared, needs)):
        if origin in feeds and reader in feeds:
            feeds[origin][reader] = None
    return RecordFlow({thing: tuple(others) for thing, others in feeds.items()})


def _written(declared: Declarations) -> Iterator[tuple[Thing, Thing]]:
    """From a connector to its topics, and from INSERT INTO to its target."""
    for topic in declared.topics:
        if topic.connector:
            yield Thing(ResourceKind.CONNECTOR, topic.connector), Thing(ResourceKind.TOPIC, topic.name)
    for connector in declared.connectors:
        keys = [DEAD_LETTERS] if connector.is_sink else [key for key in connector.config if key.endswith("topic")]
        for key in keys:
            yield (
                Thing(ResourceKind.CONNECTOR, connector.name),
                Thing(ResourceKind.TOPIC, connector.config.get(key, "")),
            )
    for statement in declared.statements:
        if isinstance(statement.tree, InsertSelect):
            target = Thing(ResourceKind.STATEMENT, statement.tree.target)
            yield Thing(ResourceKind.STATEMENT, statement.name), target


def _read(declared: Declarations, needs: Mapping[Thing, tuple[Thing, ...]]) -> Iterator[tuple[Thing, Thing]]:
    """From what is read to its readers, and from a sink to its bucket."""
    writers = {topic.name: topic.connector for topic in declared.topics if topic.connector}
    targets = {
        Thing(ResourceKind.STATEMENT, item.name): Thing(ResourceKind.STATEMENT, item.tree.target)
        for item in declared.statements
        if isinstance(item.tree, InsertSelect) and item.tree.target not in sources_of(item.tree.query)
    }
    sources = {Thing(ResourceKind.CONNECTOR, item.name) for item in declared.connectors if not item.is_sink}
    for thing, needed in needs.items():
        topics = {other.name for other in needed if other.kind is ResourceKind.TOPIC}
        for other in needed:
            is_through_topic = other.kind is ResourceKind.CONNECTOR and any(
                writers.get(topic) == other.name for topic in topics
            )
            if other.kind is ResourceKind.BUCKET:
                yield thing, other
            elif thing not in sources and targets.get(thing) != other and not is_through_topic:
                yield other, thing
