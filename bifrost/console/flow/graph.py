"""The pipelines as a graph: source connector -> topic -> query -> topic -> sink connector or service.

Pure: takes snapshots of the live system, returns nodes and edges as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.clients.csv_error_folder import RejectedFile
from bifrost.clients.ksqldb import QueryDetails
from bifrost.console.flow.pipeline_members import Members, members
from bifrost.console.flow.pipeline_owners import GroupReader, PipelineOwners

Json = dict[str, Any]
Health = Literal["good", "busy", "bad"]
Offsets = Mapping[str, Mapping[int, int]]

PIPELINE_KEY = "bifrost.pipeline"
DEAD_LETTERS = "errors.deadletterqueue.topic.name"
DEAD_LETTER_SUFFIX = ".dlq"
_CONNECT_GROUP = "connect-"
_QUERY_GROUP = "_confluent-ksql-"
_UP_STATES = ("ready", "running")
_FAILED_STATES = ("failed", "backoff")
_BROKEN = ("FAILED", "ERROR", "UNRESPONSIVE")
_IN_TRANSITION = ("UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "CREATED", "REBALANCING", "PENDING_SHUTDOWN")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live system at one moment; a part that did not answer is empty, with a line in `problems`."""

    at: float  # seconds since the epoch
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    statuses: Mapping[str, ConnectorStatus] = field(default_factory=dict)
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # topics by source connector
    queries: tuple[QueryDetails, ...] = ()
    topics_of: Mapping[str, str] = field(default_factory=dict)  # topic by stream or table
    firsts: Offsets = field(default_factory=dict)
    ends: Offsets = field(default_factory=dict)
    positions: Mapping[str, Offsets] = field(default_factory=dict)  # by consumer group
    components: tuple[Json, ...] = ()
    broken: tuple[RejectedFile, ...] = ()
    owners: PipelineOwners = field(default_factory=PipelineOwners)
    alert_problems: Mapping[str, str] = field(default_factory=dict)  # by alert
    problems: tuple[str, ...] = ()


def graph(now: Snapshot, before: Snapshot | None) -> Json:
    """The graph as JSON for its page; rates are per second since the snapshot `before`."""
    edges = sorted({*_connector_edges(now), *_query_edges(now), *_reader_edges(now)})
    named = {name.removeprefix("topic:") for edge in edges for name in edge if name.startswith("topic:")}
    topics = {f"topic:{name}": _topic(name, now, before) for name in sorted(now.ends.keys() | named)}
    processors = (*_connectors(now, before), *_queries(now, before), *_readers(now, before))
    connected = [topic for topic in topics.values() if topic["name"] in named]
    nodes = {node["id"]: node for node in (*processors, *connected)}
    for source in (node for node in processors if node["kind"] == "source"):
        source["rate"] = _sum(topics[to]["rate"] for at, to in edges if at == source["id"])
    grouped = members(nodes, edges, {node["id"]: node["pipeline"] for node in processors if node.get("pipeline")})
    return {
        "at": now.at,
        "nodes": list(nodes.values()),
        "edges": [list(edge) for edge in edges],
        "topics": list(topics.values()),
        "pipelines": [_pipeline(name, grouped, nodes, edges, now) for name in grouped],
        "components": list(now.components),
        "broken": [{"pipeline": each.pipeline, "file": each.name, "cause": each.cause} for each in now.broken],
        "problems": list(now.problems),
    }


def _pipeline(
    name: str, grouped: Members, nodes: Mapping[str, Json], edges: list[tuple[str, str]], now: Snapshot
) -> Json:
    """Sum up a pipeline's nodes: its health is the worst of theirs, its rate that of the topics that it reads."""
    own = [nodes[each] for each in sorted(grouped[name])]
    broken = [each for each in now.broken if each.pipeline == name]
    made = {target for source, target in edges if source.startswith("query:")}
    entries = [node for node in own if node["kind"] == "topic" and node["id"] not in made and not node["faults"]]
    health = [node["health"] for node in own]
    return {
        "name": name,
        "nodes": [node["id"] for node in own],
        "health": "bad" if "bad" in health or broken else "busy" if "busy" in health else "good",
        "rate": _sum(node["rate"] for node in entries),
        "lag": _sum(node.get("lag") for node in own),
        "faults": sum(node["records"] for node in own if node["kind"] == "topic" and node["faults"]) + len(broken),
    }


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of the known values, `None` if all are unknown."""
    known = [value for value in values if value is not None]
    return round(sum(known), 1) if known else None


def _connectors(now: Snapshot, before: Snapshot | None) -> Iterator[Json]:
    for name, config in sorted(now.configs.items()):
        status = now.statuses.get(name)
        is_sink = "topics" in config or "topics.regex" in config
        tasks = [_task(task.id, task.state, task.trace) for task in status.tasks] if status else []
        causes = [root_cause(trace) for trace in _traces(status) if trace]
        states = [status.state, *(task["state"] for task in tasks)] if status else ["UNASSIGNED"]
        yield {
            "id": f"connector:{name}",
            "kind": "sink" if is_sink else "source",
            "name": name,
            "pipeline": config.get(PIPELINE_KEY, ""),
            "state": next((state for state in states if state in _BROKEN), states[0]),
            "health": "bad" if not tasks and status else _worst(states),
            "detail": config.get("connector.class", "").rpartition(".")[2],
            "error": "; ".join(dict.fromkeys(causes)),
            "lag": _lag(f"{_CONNECT_GROUP}{name}", now, before) if is_sink else None,
            "rate": _read_rate(f"{_CONNECT_GROUP}{name}", now, before),
            "tasks": tasks,
        }


def _traces(status: ConnectorStatus | None) -> list[str]:
    return [] if status is None else [status.trace, *(task.trace for task in status.tasks)]


def _task(number: int, state: str, trace: str) -> Json:
    return {"id": number, "state": state, "error": root_cause(trace) if trace else "", "trace": trace}


def _queries(now: Snapshot, before: Snapshot | None) -> Iterator[Json]:
    for query in now.queries:
        yield {
            "id": f"query:{query.id}",
            "kind": "query",
            "name": query.sinks[0] if query.sinks else query.id,
            "pipeline": now.owners.sources.get(query.sinks[0], "") if query.sinks else "",
            "state": query.state,
            "health": _worst([query.state]),
            "detail": query.id,
            "error": query.errors[-1] if query.errors and query.state != "RUNNING" else "",
            "lag": _lag(query.group, now, before) if query.group else None,
            "rate": _read_rate(query.group, now, before),
            "statement": query.statement,
        }


def _readers(now: Snapshot, before: Snapshot | None) -> Iterator[Json]:
    """Services and alerts: a node for each consumer group, and for each service without one."""
    components = {component["name"]: component for component in now.components}
    readers = {group: _reader(group, now.owners) for group in _other_groups(now)}
    for group, reader in readers.items():
        problem = now.alert_problems.get(reader.name, "")
        found = _service(f"group:{group}", reader, components.get(reader.service), problem)
        yield {**found, "lag": _lag(group, now, before), "rate": _read_rate(group, now, before)}
    seen = {reader.service for reader in readers.values()}
    for name in sorted((now.owners.services.keys() & components.keys()) - seen):
        reader = GroupReader(name, name, now.owners.services[name])
        yield {**_service(f"service:{name}", reader, components[name], ""), "lag": None, "rate": None}


def _reader(group: str, owners: PipelineOwners) -> GroupReader:
    return owners.readers.get(group, GroupReader(group, group, ""))


def _service(node_id: str, reader: GroupReader, component: Json | None, problem: str) -> Json:
    state = component["state"] if component else ""
    health: Health = "bad" if problem or state in _FAILED_STATES else "good" if state in ("", *_UP_STATES) else "busy"
    return {
        "id": node_id,
        "kind": "service",
        "name": reader.name,
        "pipeline": reader.pipeline,
        "state": state,
        "health": health,
        "detail": f"service {reader.service}",
        "error": problem or (component["cause"] if component else ""),
    }


def _connector_edges(now: Snapshot) -> Iterator[tuple[str, str]]:
    for name, config in now.configs.items():
        for topic in config.get("topics", "").split(","):
            if topic.strip():
                yield f"topic:{topic.strip()}", f"connector:{name}"
        for topic in now.written.get(name, ()):
            yield f"connector:{name}", f"topic:{topic}"
        if config.get(DEAD_LETTERS):
            yield f"connector:{name}", f"topic:{config[DEAD_LETTERS]}"


def _query_edges(now: Snapshot) -> Iterator[tuple[str, str]]:
    for query in now.queries:
        for source in query.sources:
            yield f"topic:{now.topics_of.get(source, source)}", f"query:{query.id}"
        for sink in query.sinks:
            yield f"query:{query.id}", f"topic:{now.topics_of.get(sink, sink)}"


def _reader_edges(now: Snapshot) -> Iterator[tuple[str, str]]:
    for group in _other_groups(now):
        for topic in now.positions[group]:
            yield f"topic:{topic}", f"group:{group}"
        dead_letters = f"{_reader(group, now.owners).name}{DEAD_LETTER_SUFFIX}"
        if dead_letters in now.ends:
            yield f"group:{group}", f"topic:{dead_letters}"


def _other_groups(now: Snapshot) -> list[str]:
    """The groups with a position that belong neither to connectors nor to queries: the services."""
    return [name for name, topics in now.positions.items() if topics and not name.startswith(_NOT_SERVICES)]


_NOT_SERVICES = (_CONNECT_GROUP, _QUERY_GROUP)


def _topic(name: str, now: Snapshot, before: Snapshot | None) -> Json:
    ends, firsts = now.ends.get(name, {}), now.firsts.get(name, {})
    count = sum(ends.values()) - sum(firsts.get(number, 0) for number in ends)
    return {
        "id": f"topic:{name}",
        "kind": "topic",
        "name": name,
        "state": "" if name in now.ends else "missing",
        "health": "good" if name in now.ends or not now.ends else "bad",
        "partitions": len(ends),
        "records": count,
        "rate": _rate(name, now, before),
        "faults": _holds_failed_records(name, now),
    }


def _holds_failed_records(name: str, now: Snapshot) -> bool:
    """Whether the topic holds records that could not be processed."""
    named = {config.get(DEAD_LETTERS) for config in now.configs.values()}
    return name in named or name.endswith((".dlq", "-dlq", "_dlq", "ksql_processing_log"))


def _rate(name: str, now: Snapshot, before: Snapshot | None) -> float | None:
    if before is None or name not in before.ends or name not in now.ends or now.at <= before.at:
        return None
    added = sum(now.ends[name].values()) - sum(before.ends[name].values())
    return round(max(0, added) / (now.at - before.at), 1)


def _read_rate(group: str, now: Snapshot, before: Snapshot | None) -> float | None:
    """The records per second that a group reads."""
    if before is None or group not in before.positions or group not in now.positions or now.at <= before.at:
        return None
    earlier, later = (
        sum(at for topic in each.positions[group].values() for at in topic.values()) for each in (before, now)
    )
    return round(max(0, later - earlier) / (now.at - before.at), 1)


def _lag(group: str, now: Snapshot, before: Snapshot | None) -> int | None:
    """How many records a group has still to read; `None` while it stands nowhere.

    The marker that ends a transaction has an offset too, which nobody reads: one offset that stays behind while nothing
    comes is that, and no record.
    """
    positions = now.positions.get(group)
    if not positions:
        return None
    earlier = before.positions.get(group, {}) if before else {}
    lag = 0
    for topic, partitions in positions.items():
        for number, at in partitions.items():
            end = now.ends.get(topic, {}).get(number, at)
            rests = earlier.get(topic, {}).get(number) == at and _end(before, topic, number) == end
            lag += 0 if rests and end - at == 1 else max(0, end - at)
    return lag


def _end(snapshot: Snapshot | None, topic: str, partition: int) -> int | None:
    return snapshot.ends.get(topic, {}).get(partition) if snapshot else None


def _worst(states: list[str]) -> Health:
    if any(state in _BROKEN for state in states):
        return "bad"
    return "busy" if any(state in _IN_TRANSITION for state in states) else "good"
