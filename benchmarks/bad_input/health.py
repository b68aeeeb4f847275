"""Compares the states of all parts of the platform before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Status = dict[str, Any]


def not_running(now: Status) -> list[str]:
    """A line for every connector, task, query and service that is not RUNNING, and every component that is not up."""
    lines = [f"problem: {text}" for text in now["problems"] if not _is_rejected_file(text)]
    for connector in now["connectors"]:
        parts = [(f"connector {connector['name']}", connector)]
        parts += [(f"task {connector['name']}/{task['id']}", task) for task in connector["tasks"]]
        lines += _wrong_states(parts)
    lines += _wrong_states([(f"query {query['id']}", query) for query in now["queries"]])
    lines += _wrong_states([(f"service {service['name']}", service) for service in now["services"]])
    lines += [
        f"component {part['name']} is {part['state']}: {part['cause']}"
        for part in now["components"]
        if part["state"] not in ("ready", "running")
    ]
    return lines


def changed_since(before: Status, now: Status) -> list[str]:
    """A line for everything that disappeared, and every component that was restarted."""
    lines: list[str] = []
    for kind, name in (("connectors", "name"), ("queries", "id"), ("services", "name"), ("components", "name")):
        lost = {part[name] for part in before[kind]} - {part[name] for part in now[kind]}
        lines += [f"{kind}: {part} is missing" for part in sorted(lost)]
    then = {part["name"]: part for part in before["components"]}
    for part in now["components"]:
        old = then.get(part["name"], part)
        if (part["pid"], part["restarts"]) != (old["pid"], old["restarts"]):
            lines.append(f"component {part['name']} was restarted ({part['restarts'] - old['restarts']} times)")
    return lines


def counts(now: Status) -> dict[str, str]:
    """How many of each kind run, such as `21/21`."""
    tasks = [task for connector in now["connectors"] for task in connector["tasks"]]
    found = {"connectors": now["connectors"], "tasks": tasks, "queries": now["queries"], "services": now["services"]}
    running = {
        name: f"{sum(part['state'] == 'RUNNING' for part in parts)}/{len(parts)}" for name, parts in found.items()
    }
    up = sum(part["state"] in ("ready", "running") for part in now["components"])
    return {**running, "components": f"{up}/{len(now['components'])}"}


def _wrong_states(parts: list[tuple[str, Status]]) -> Iterator[str]:
    for name, part in parts:
        if part["state"] != "RUNNING":
            yield f"{name} is {part['state']}" + (f": {part['error']}" if part.get("error") else "")


def _is_rejected_file(text: str) -> bool:
    """Whether a problem is a rejected CSV file, which is where bad files belong."""
    return "/error" in text
