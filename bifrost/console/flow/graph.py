"""The pipelines as a graph: source connector -> topic -> query -> topic -> sink connector or service.

Pure: takes snapshots of the live system, returns nodes and edges as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.clients.ksqldb import INTERNAL_NAMES
from bifrost.console.flow.consumer_lag import CONNECT_GROUP, lag_of, read_rate
from bifrost.console.flow.pipeline_members import Members, members
from bifrost.console.flow.pipeline_owners import GroupReader, PipelineOwners
from bifrost.console.flow.snapshot import Snapshot

Json = dict[str, Any]
Health = Literal["good", "busy", "bad"]

PIPELINE_KEY = "bifrost.pipeline"
DEAD_LETTERS = "errors.deadletterqueue.topic.name"
DEAD_LETTER_SUFFIX = ".dlq"
_UP_STATES = ("ready", "running")
_FAILED_STATES = ("failed", "backoff")
_BROKEN = ("FAILED", "ERROR", "UNRESPONSIVE")
_IN_TRANSITION = ("UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "CREATED", "REBALANCING", "PENDING_SHUTDOWN")


def graph(now: Snapshot, before: Snapshot | None, behind: Mapping[str, float] | None = None) -> Json:
    """The graph as JSON for its page.

    Args:
        before: an earlier snapshot; rates are per second since it.
        behind: the consumer groups whose lag does not shrink, with since when (seconds since the epoch).
    """
    edges = sorted({*_connector_edges(now), *_query_edges(now), *_reader_edges(now)})
    named = {name.removeprefix("topic:") for edge in edges for name in edge if name.startswith("topic:")}
    topics = {f"topic:{name}": _topic(name, now, before) for name in sorted(now.ends.keys() | named)}
    processors = (*_connectors(now, before), *_queries(now, before), *_readers(now, before))
    connected = [topic for topic in topics.values() if topic["name"] in named]
    for node in processors:
        _mark_behind(node, behind or {})
    nodes = {node["id"]: node for node in (*processors, *connected)}
    # A source has no consumer group, so its rate is that of the topics that it writes.
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


def _mark_behind(node: Json, behind: Mapping[str, float]) -> None:
    """Add to a node since when it is behind, which is not well."""
    node["behind_since"] = behind.get(node.get("group") or "")
    if node["behind_since"] is not None and node["health"] == "good":
        node["health"] = "busy"


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
            # A connector without a task is RUNNING and does nothing.
            "health": "bad" if not tasks and status else _worst(states),
            "detail": config.get("connector.class", "").rpartition(".")[2],
            "error": "; ".join(dict.fromkeys(causes)) or ("it has no task" if status and not tasks else ""),
            "group": f"{CONNECT_GROUP}{name}" if is_sink else "",
            "lag": lag_of(f"{CONNECT_GROUP}{name}", now, before) if is_sink else None,
            "rate": read_rate(f"{CONNECT_GROUP}{name}", now, before),
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
            "group": query.group,
            "lag": lag_of(query.group, now, before) if query.group else None,
            "rate": read_rate(query.group, now, before),
            "statement": query.statement,
        }


def _readers(now: Snapshot, before: Snapshot | None) -> Iterator[Json]:
    """Services and alerts: a node for each consumer group, and for each service without one."""
    components = {component["name"]: component for component in now.components}
    readers = {group: _reader(group, now.owners) for group in _other_groups(now)}
    for group, reader in readers.items():
        problem = now.alert_problems.get(reader.name, "")
        found = _service(f"group:{group}", reader, components.get(reader.service), problem)
        # A group that no file declares may be a consumer that someone has left behind: its lag says nothing.
        watched = group if group in now.owners.readers and not reader.is_quiet(now.at) else ""
        yield {**found, "group": watched, "lag": lag_of(group, now, before), "rate": read_rate(group, now, before)}
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
        "role": _role(reader),
        "name": reader.name,
        "pipeline": reader.pipeline,
        "state": state,
        "health": health,
        "detail": f"service {reader.service}",
        "error": problem or (component["cause"] if component else ""),
    }


def _role(reader: GroupReader) -> str:
    """`service`, `alert` for one of the alerts of a service, or `group` for a group that no file declares."""
    if reader.name != reader.service:
        return "alert"
    return "service" if reader.pipeline else "group"


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


_NOT_SERVICES = (CONNECT_GROUP, INTERNAL_NAMES)


def _topic(name: str, now: Snapshot, before: Snapshot | None) -> Json:
    ends, firsts = now.ends.get(name, {}), now.firsts.get(name, {})
    count = sum(ends.values()) - sum(firsts.get(number, 0) for number in ends)
    return {
        "id": f"topic:{name}",
        "kind": "topic",
        "name": name,
        "state": "" if name in now.ends else "missing",
        # If no topic is known, the broker did not answer: that says nothing about this one.
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
    # A topic that was created again starts at lower offsets.
    return round(max(0, added) / (now.at - before.at), 1)


def _worst(states: list[str]) -> Health:
    if any(state in _BROKEN for state in states):
        return "bad"
    return "busy" if any(state in _IN_TRANSITION for state in states) else "good"
