"""Whether everything declared runs, as the end of `status` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.plan.connectors import SUSPENDED
from bifrost.errors import NotReady, RemoteError, Unreachable
from bifrost.operations.needed_components import needed_components
from bifrost.sql.tree import CreateAsSelect, InsertSelect

Status = Mapping[str, Any]
SHOWN = 5
"""How many things the line names; more are counted."""


@dataclass(frozen=True, slots=True)
class RunningVerdict:
    """`well` if everything declared runs and nothing has a problem; `text` says so, or what does not run."""

    well: bool
    text: str


def verdict_of(found: Status, declared: Declarations) -> RunningVerdict:
    """The verdict on a status (`status --json`), for what this target should run."""
    if not found["running"]:
        return RunningVerdict(False, "Nothing runs.")
    undeployed = _undeployed(found, declared)
    rest = replace(
        declared,
        connectors=tuple(item for item in declared.connectors if item.pipeline not in undeployed),
        statements=tuple(item for item in declared.statements if item.pipeline not in undeployed),
        services=tuple(item for item in declared.services if item.pipeline not in undeployed),
    )
    absent = [*_parts(found), *_connectors(found, rest), *_queries(found, rest), *_services(found, rest)]
    absent += [f"pipeline {name} is not deployed" for name in undeployed]
    if absent:
        more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
        count = "One thing does" if len(absent) == 1 else f"{len(absent)} things do"
        return RunningVerdict(False, f"{count} not run as declared: {', '.join(absent[:SHOWN])}{more}.")
    counts = (len(found[what]) for what in ("connectors", "queries", "services"))
    running = "{} connectors, {} queries, {} services".format(*counts)
    problems = len(found["problems"])
    if problems:
        return RunningVerdict(False, f"Everything declared runs ({running}), but there {_problems(problems)}.")
    return RunningVerdict(True, f"All well: everything declared runs ({running}).")


def part_state(error: RemoteError) -> str:
    """In which state a part is that gave this error."""
    if isinstance(error, Unreachable):
        return "unreachable"
    if not isinstance(error, NotReady):
        return "refusing"
    text = error.problem.lower()
    if "stopping" in text or "shutting down" in text:
        return "stopping"
    return "rebalancing" if "rebalanc" in text or text.startswith("409") else "starting"


def _undeployed(found: Status, declared: Declarations) -> list[str]:
    """The pipelines with connectors or queries of which none is live."""
    if any(state != "running" for state in found["parts"].values()):
        return []  # what such a part runs is unknown
    live = {entry["name"] for entry in found["connectors"]}
    sinks = {sink for query in found["queries"] for sink in query["sinks"]}
    names: dict[str, list[bool]] = {}
    for connector in declared.connectors:
        names.setdefault(connector.pipeline, []).append(connector.name in live)
    for statement in declared.statements:
        if isinstance(statement.tree, CreateAsSelect):
            names.setdefault(statement.pipeline, []).append(statement.name in sinks)
    return sorted(name for name, are_live in names.items() if not any(are_live))


def _parts(found: Status) -> Iterator[str]:
    return (f"{name} is {state}" for name, state in found["parts"].items() if state != "running")


def _connectors(found: Status, declared: Declarations) -> Iterator[str]:
    if found["parts"].get("Kafka Connect", "running") != "running":
        return
    live = {entry["name"]: entry for entry in found["connectors"]}
    for connector in declared.connectors:
        entry = live.get(connector.name)
        states = ["missing"] if entry is None else [entry["state"], *(task["state"] for task in entry["tasks"])]
        bad = next((state for state in states if state != "RUNNING"), None if len(states) > 1 else "without tasks")
        if bad is not None:
            yield f"connector {connector.name} is {_named(bad)}"


def _queries(found: Status, declared: Declarations) -> Iterator[str]:
    if found["parts"].get("ksqlDB", "running") != "running":
        return
    inserts: Counter[str] = Counter()
    writers: dict[str, str] = {}
    for query in found["queries"]:
        if query["state"] != "RUNNING":
            yield f"query {query['id']} is {_named(query['state'])}"
        for sink in query["sinks"]:
            if query["id"].upper().startswith("INSERT"):
                inserts[sink] += 1
            else:
                writers[sink] = query["id"]
    for statement in declared.statements:
        match statement.tree:
            case CreateAsSelect(name=name) if name not in writers:
                yield f"query of {name} is missing"
            case InsertSelect(target=target):
                inserts[target] -= 1
                if inserts[target] < 0:
                    yield f"query of {statement.name} is missing"


def _named(state: str) -> str:
    return f"{state} by a command" if state in SUSPENDED else state


def _services(found: Status, declared: Declarations) -> Iterator[str]:
    states: dict[str, str] = {entry["name"]: entry["state"] for entry in found["services"]}
    if not found["components"]:
        return  # only the embedded target has its own services
    for service in declared.services:
        if states.get(service.name) != "RUNNING":
            yield f"service {service.name} is {states.get(service.name, 'missing')}"
    services: Sequence[str] = tuple(states)
    live = {entry["name"] for entry in found["connectors"]}
    needed = needed_components(item for item in declared.connectors if item.name in live)
    for component in found["components"]:
        wrong = {"failed", "backoff", "starting", "stopping", *(["stopped"] if component["name"] in needed else [])}
        if component["name"] not in services and component["state"] in wrong:
            yield f"component {component['name']} is {component['state']}"


def _problems(count: int) -> str:
    return "is a problem" if count == 1 else f"are {count} problems"
