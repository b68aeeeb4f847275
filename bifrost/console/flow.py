"""The pipelines as a graph: source connector -> topic -> query -> topic -> sink connector or service.

Pure: what was read from the live system comes in, nodes and edges come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.clients.ksqldb import QueryDetails

Json = dict[str, Any]
Health = Literal["good", "busy", "bad"]
Offsets = Mapping[str, Mapping[int, int]]

PIPELINE_KEY = "bifrost.pipeline"
DEAD_LETTERS = "errors.deadletterqueue.topic.name"
_CONNECT_GROUP = "connect-"
_QUERY_GROUP = "_confluent-ksql-"
_COMING = ("UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "CREATED", "REBALANCING", "PENDING_SHUTDOWN")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read at one moment; a part that did not answer is empty, and a line in `problems`."""

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
    problems: tuple[str, ...] = ()


def graph(now: Snapshot, before: Snapshot | None) -> Json:
    """The graph as its page draws it; rates are those since the snapshot `before`."""
    nodes = {node["id"]: node for node in (*_connectors(now), *_queries(now), *_readers(now))}
    edges = sorted({*_connector_edges(now), *_query_edges(now), *_reader_edges(now)})
    named = {name.removeprefix("topic:") for edge in edges for name in edge if name.startswith("topic:")}
    topics = [_topic(name, now, before) for name in sorted(now.ends.keys() | named)]
    on_the_way = [topic for topic in topics if topic["name"] in named]
    return {
        "at": now.at,
        "nodes": [*nodes.values(), *on_the_way],
        "edges": [list(edge) for edge in edges],
        "topics": topics,
        "components": list(now.components),
        "problems": list(now.problems),
    }


def _connectors(now: Snapshot) -> Iterator[Json]:
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
            "state": status.state if status else "UNASSIGNED",
            "health": "bad" if not tasks and status else _worst(states),
            "detail": config.get("connector.class", "").rpartition(".")[2],
            "error": "; ".join(dict.fromkeys(causes)),
            "lag": _lag(now, f"{_CONNECT_GROUP}{name}") if is_sink else None,
            "tasks": tasks,
        }


def _traces(status: ConnectorStatus | None) -> list[str]:
    return [] if status is None else [status.trace, *(task.trace for task in status.tasks)]


def _task(number: int, state: str, trace: str) -> Json:
    return {"id": number, "state": state, "error": root_cause(trace) if trace else "", "trace": trace}


def _queries(now: Snapshot) -> Iterator[Json]:
    for query in now.queries:
        yield {
            "id": f"query:{query.id}",
            "kind": "query",
            "name": query.sinks[0] if query.sinks else query.id,
            "state": query.state,
            "health": _worst([query.state]),
            "detail": query.id,
            "error": query.errors[-1] if query.errors and query.state != "RUNNING" else "",
            "lag": _lag(now, query.group) if query.group else None,
            "statement": query.statement,
        }


def _readers(now: Snapshot) -> Iterator[Json]:
    for group in _other_groups(now):
        lag = _lag(now, group)
        yield {"id": f"group:{group}", "kind": "service", "name": group, "state": "", "health": "good", "lag": lag}


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


def _other_groups(now: Snapshot) -> list[str]:
    """The groups that are neither connectors nor queries, and stand somewhere: the services."""
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
        "faults": _is_for_faults(name, now),
    }


def _is_for_faults(name: str, now: Snapshot) -> bool:
    """Whether the topic holds what could not be processed."""
    named = {config.get(DEAD_LETTERS) for config in now.configs.values()}
    return name in named or name.endswith((".dlq", "-dlq", "_dlq", "ksql_processing_log"))


def _rate(name: str, now: Snapshot, before: Snapshot | None) -> float | None:
    if before is None or name not in before.ends or name not in now.ends or now.at <= before.at:
        return None
    added = sum(now.ends[name].values()) - sum(before.ends[name].values())
    return round(max(0, added) / (now.at - before.at), 1)


def _lag(now: Snapshot, group: str) -> int | None:
    """How many records a group has still to read; `None` while it stands nowhere."""
    positions = now.positions.get(group)
    if not positions:
        return None
    return sum(
        max(0, end - at)
        for topic, partitions in positions.items()
        for number, at in partitions.items()
        if (end := now.ends.get(topic, {}).get(number)) is not None
    )


def _worst(states: list[str]) -> Health:
    if any(state in ("FAILED", "ERROR", "UNRESPONSIVE") for state in states):
        return "bad"
    return "busy" if any(state in _COMING for state in states) else "good"
