"""Everything to know about one thing: where it is declared, its plan, its live state, what feeds and reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from bifrost.clients.connect import root_cause
from bifrost.clients.kafka import OffsetRange
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.deploy import PlannedDeployment
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Thing, dependencies_of
from bifrost.deployer.plan.flow_text import branch_lines
from bifrost.deployer.plan.record_flow import record_flow
from bifrost.errors import BifrostError

LABEL = 10


class Groups(Protocol):
    """What Kafka knows of topics and consumer groups (`KafkaAdmin`)."""

    def topics(self) -> dict[str, int]:
        """Partition counts by topic name."""
        ...

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        """The offset ranges of topics."""
        ...

    def groups(self) -> tuple[str, ...]:
        """The names of the consumer groups."""
        ...

    def positions(self, groups: Iterable[str]) -> dict[str, dict[str, dict[int, int]]]:
        """The committed offsets of groups, by group, topic and partition."""
        ...


def report_lines(thing: Thing, planned: PlannedDeployment, kafka: Groups, project: Path) -> Iterator[str]:
    """The report of one thing. Where a part of the live state is unavailable, a line says so."""
    declared, live = planned.declared, planned.live
    yield str(thing)
    place = _place(thing, declared)
    if place:
        path, line, pipeline = place
        where = path.relative_to(project) if path.is_relative_to(project) else path
        yield _line("declared", f"{where}{f':{line}' if line else ''} (pipeline {pipeline})")
    actions = [a for a in planned.plan.actions if (a.resource, a.name) == (thing.kind, thing.name)]
    for action in actions:
        text = action.reason or "as declared"
        yield _line("plan", f"{action.kind}: {text}" if action.is_change else text)
    yield from (_line("live", text) for text in _live(thing, live))
    if live.is_running:
        yield from _available(lambda: list(_offsets(thing, live, kafka)))
    needs = dependencies_of(declared).needs.get(thing, ())
    if needs:
        yield _line("needs", ", ".join(map(str, needs)))
    flow = record_flow(declared)
    if thing in flow.feeds:
        yield from _branches("fed by", thing, flow.fed_by)
        yield from _branches("feeds", thing, flow.feeds)


def _line(label: str, text: str) -> str:
    return f"  {label:<{LABEL}}{text}"


def _branches(label: str, thing: Thing, edges: Mapping[Thing, tuple[Thing, ...]]) -> Iterator[str]:
    if not edges.get(thing):
        return
    yield _line(label, "").rstrip()
    lines = branch_lines(thing, edges, set())
    next(lines)
    yield from (f"    {line}" for line in lines)


def _place(thing: Thing, declared: Declarations) -> tuple[Path, int, str] | None:
    name = thing.name
    match thing.kind:
        case ResourceKind.TOPIC:
            return next(((item.path, 0, item.pipeline) for item in declared.topics if item.name == name), None)
        case ResourceKind.SUBJECT:
            return next(((item.path, 0, item.topic.pipeline) for item in declared.subjects if item.name == name), None)
        case ResourceKind.CONNECTOR:
            return next(((item.path, 0, item.pipeline) for item in declared.connectors if item.name == name), None)
        case ResourceKind.STATEMENT:
            return next(
                ((item.path, item.line, item.pipeline) for item in declared.statements if item.name == name), None
            )
        case ResourceKind.TEMPLATE:
            return next(((item.path, 0, item.pipeline) for item in declared.templates if item.name == name), None)
        case ResourceKind.DASHBOARD:
            return next(((item.path, 0, item.pipeline) for item in declared.dashboards if item.pipeline == name), None)
        case _:
            return None


def _live(thing: Thing, live: LiveState) -> Iterator[str]:
    name = thing.name
    if not live.is_running:
        yield "nothing of the target is running"
        return
    match thing.kind:
        case ResourceKind.CONNECTOR if (connector := live.connectors.get(name)) is not None:
            status = connector.status
            yield "no status yet" if status is None else f"connector {status.state}"
            for task in () if status is None else status.tasks:
                cause = f": {root_cause(task.trace)}" if task.trace else ""
                yield f"task {task.id} {task.state}{cause}"
        case ResourceKind.STATEMENT:
            yield from _live_statement(name, live)
        case ResourceKind.TOPIC if (topic := live.topics.get(name)) is not None:
            config = ", ".join(f"{key}={value}" for key, value in sorted(topic.config.items()))
            yield f"{topic.partitions} partitions, {topic.replication} replicas{f', {config}' if config else ''}"
        case ResourceKind.SUBJECT if (subject := live.subjects.get(name)) is not None:
            yield f"version {subject.latest.version}"
        case ResourceKind.SERVICE if (service := (live.services or {}).get(name)) is not None:
            yield f"{service.state}{f': {service.cause}' if service.cause else ''} (log: {service.log})"
        case _:
            return


def _live_statement(name: str, live: LiveState) -> Iterator[str]:
    source = live.sources.get(name)
    if source is not None:
        found = source.description
        yield f"{found.type.lower()} on topic {found.topic}, {found.partitions} partitions"
        yield "columns " + ", ".join(f"{column} {kind}" for column, kind in found.columns)
    for query in live.queries.values():
        if name in query.summary.sinks:
            yield f"query {query.summary.id} {query.summary.state}"


def _offsets(thing: Thing, live: LiveState, kafka: Groups) -> Iterator[str]:
    """The records of a topic, or how far the readers of a thing are behind."""
    if thing.kind is ResourceKind.TOPIC and thing.name in live.topics:
        ends = kafka.ends({thing.name: live.topics[thing.name].partitions})[thing.name].values()
        yield _line("records", str(sum(offsets.next - offsets.first for offsets in ends)))
    for group in _groups(thing, live, kafka):
        positions = kafka.positions([group]).get(group, {})
        counts = kafka.topics()
        ends_of = kafka.ends({topic: counts[topic] for topic in positions if topic in counts})
        lag = sum(
            max(0, ends_of[topic][number].next - position)
            for topic, partitions in positions.items()
            for number, position in partitions.items()
            if number in ends_of.get(topic, {})
        )
        yield _line("lag", f"{lag} records behind (group {group})")


def _groups(thing: Thing, live: LiveState, kafka: Groups) -> list[str]:
    """The consumer groups that read for a thing: a sink's, or those of the queries that write a statement's source."""
    if thing.kind is ResourceKind.CONNECTOR:
        known = live.connectors.get(thing.name)
        is_sink = known is not None and known.status is not None and known.status.type == "sink"
        return [f"connect-{thing.name}"] if is_sink else []
    if thing.kind is not ResourceKind.STATEMENT:
        return []
    queries = [query.summary.id for query in live.queries.values() if thing.name in query.summary.sinks]
    return [group for group in kafka.groups() if any(group.endswith(f"query_{query}") for query in queries)]


def _available(read: Callable[[], list[str]]) -> list[str]:
    try:
        return read()
    except BifrostError as error:
        return [_line("lag", f"unavailable: {error}")]
