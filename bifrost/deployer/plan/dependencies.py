"""What each declared thing needs: a statement its sources and topics, a sink its topics, a dashboard its sinks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from bifrost.dashboards.declared import Chart, Dashboard, IndexTemplate
from bifrost.deployer.declared.declarations import (
    Declarations,
    DeclaredConnector,
    DeclaredService,
    DeclaredStatement,
)
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.sql.tree import CreateAsSelect


class Thing(NamedTuple):
    """A declared resource: its kind and name."""

    kind: ResourceKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What each thing needs directly, in the order of the declarations. Records flow from what is needed."""

    needs: Mapping[Thing, tuple[Thing, ...]] = field(default_factory=dict)

    def all_needs(self, thing: Thing) -> tuple[Thing, ...]:
        """Everything that a thing needs, directly or not, nearest first."""
        return _reached(thing, self.needs)

    def needed_by(self) -> dict[Thing, tuple[Thing, ...]]:
        """The things that need each thing directly."""
        found: dict[Thing, list[Thing]] = {thing: [] for thing in self.needs}
        for thing, needed in self.needs.items():
            for other in needed:
                found.setdefault(other, []).append(thing)
        return {thing: tuple(others) for thing, others in found.items()}

    def all_needed_by(self, thing: Thing) -> tuple[Thing, ...]:
        """Everything that needs a thing, directly or not, nearest first."""
        return _reached(thing, self.needed_by())


def dependencies_of(declared: Declarations) -> Dependencies:
    """The dependencies between declared things."""
    return Dependencies({thing: tuple(dict.fromkeys(needed)) for thing, needed in _Finder(declared).find()})


def _reached(start: Thing, edges: Mapping[Thing, tuple[Thing, ...]]) -> tuple[Thing, ...]:
    found: dict[Thing, None] = {}
    pending = list(edges.get(start, ()))
    while pending:
        thing = pending.pop(0)
        if thing not in found and thing != start:
            found[thing] = None
            pending.extend(edges.get(thing, ()))
    return tuple(found)


class _Finder:
    def __init__(self, declared: Declarations) -> None:
        self._declared = declared
        self._topics = {topic.name: topic for topic in declared.topics}
        self._writers: dict[str, list[DeclaredStatement]] = {}
        for statement in declared.statements:
            if isinstance(statement.tree, CreateAsSelect):
                self._writers.setdefault(statement.topic, []).append(statement)
        self._sources = {statement.name for statement in declared.statements}

    def find(self) -> Iterator[tuple[Thing, Iterator[Thing]]]:
        declared = self._declared
        for topic in declared.topics:
            yield Thing(ResourceKind.TOPIC, topic.name), iter(())
        for subject in declared.subjects:
            writer = [Thing(ResourceKind.CONNECTOR, subject.topic.connector)] if subject.topic.connector else []
            yield Thing(ResourceKind.SUBJECT, subject.name), iter(writer)
        for connector in declared.connectors:
            yield Thing(ResourceKind.CONNECTOR, connector.name), self._of_connector(connector)
        for statement in declared.statements:
            yield Thing(ResourceKind.STATEMENT, statement.name), self._of_statement(statement)
        for template in declared.templates:
            yield Thing(ResourceKind.TEMPLATE, template.name), iter(())
        for bucket in declared.buckets:
            yield Thing(ResourceKind.BUCKET, bucket), iter(())
        for dashboard in declared.dashboards:
            yield Thing(ResourceKind.DASHBOARD, dashboard.pipeline), self._of_dashboard(dashboard)
        for service in declared.services:
            yield Thing(ResourceKind.SERVICE, service.name), self._of_service(service)

    def _of_statement(self, statement: DeclaredStatement) -> Iterator[Thing]:
        for name in sorted(statement.reads & self._sources):
            yield Thing(ResourceKind.STATEMENT, name)
        if isinstance(statement.tree, CreateAsSelect):
            # Its own topic, where its settings are declared.
            if statement.topic in self._topics:
                yield Thing(ResourceKind.TOPIC, statement.topic)
            return
        if statement.topic:
            yield from self._of_topic(statement.topic)
        subjects = {subject.name for subject in self._declared.subjects}
        yield from (Thing(ResourceKind.SUBJECT, name) for name in statement.awaited_subjects if name in subjects)

    def _of_topic(self, name: str) -> Iterator[Thing]:
        """What must exist before somebody reads a topic: itself, and who writes it."""
        topic = self._topics.get(name)
        if topic is not None:
            yield Thing(ResourceKind.TOPIC, name)
            if topic.connector:
                yield Thing(ResourceKind.CONNECTOR, topic.connector)
        for statement in self._writers.get(name, ()):
            yield Thing(ResourceKind.STATEMENT, statement.name)

    def _of_connector(self, connector: DeclaredConnector) -> Iterator[Thing]:
        if not connector.is_sink:
            yield from (
                Thing(ResourceKind.TOPIC, topic.name)
                for topic in self._declared.topics
                if topic.connector == connector.name
            )
            return
        topics = self._read_topics(connector)
        for topic in topics:
            yield from self._of_topic(topic)
        if connector.bucket and "${" not in connector.bucket:
            yield Thing(ResourceKind.BUCKET, connector.bucket)
        elif "elasticsearch" in connector.config.get("connector.class", "").lower():
            yield from (
                Thing(ResourceKind.TEMPLATE, template.name)
                for template in self._declared.templates
                if any(_is_index_of(template, topic.lower()) for topic in topics)
            )

    def _read_topics(self, connector: DeclaredConnector) -> tuple[str, ...]:
        if connector.topics:
            return connector.topics
        try:
            pattern = re.compile(connector.config.get("topics.regex", ""))
        except re.error:
            return ()
        return tuple(sorted(name for name in {*self._topics, *self._writers} if pattern.fullmatch(name)))

    def _of_dashboard(self, dashboard: Dashboard) -> Iterator[Thing]:
        indices = _indices_of(dashboard)
        for connector in self._declared.connectors:
            topics = self._read_topics(connector) if connector.is_sink and not connector.bucket else ()
            if any(fnmatchcase(topic.lower(), index) for topic in topics for index in indices):
                yield Thing(ResourceKind.CONNECTOR, connector.name)

    def _of_service(self, service: DeclaredService) -> Iterator[Thing]:
        for name in sorted(service.topics | service.reads):
            if name in self._sources:
                yield Thing(ResourceKind.STATEMENT, name)
            else:
                yield from self._of_topic(name)


def _is_index_of(template: IndexTemplate, index: str) -> bool:
    patterns = template.body.get("index_patterns") or ()
    found: Iterable[object] = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(index, str(pattern)) for pattern in found)


def _indices_of(dashboard: Dashboard) -> set[str]:
    """The indices, or patterns of them, that the panels of a dashboard search."""
    found: set[str] = set()
    for panel in dashboard.panels:
        names = _named_indices(panel.spec) if isinstance(panel, Chart) else iter([panel.index])
        found.update(part.strip() for name in names for part in name.split(","))
    return found


def _named_indices(spec: object) -> Iterator[str]:
    match spec:
        case Mapping():
            index = spec.get("index")
            if isinstance(index, str):
                yield index
            for value in spec.values():
                yield from _named_indices(value)
        case list():
            for value in spec:
                yield from _named_indices(value)
