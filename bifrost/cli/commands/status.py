"""`status`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Annotated, Any

import typer

from bifrost.alerts import read_problems
from bifrost.cli.endpoints import visible_endpoints
from bifrost.cli.options import JsonOption, TargetOption, settings_for
from bifrost.cli.output import Screen
from bifrost.cli.verdict import part_state, verdict_of
from bifrost.clients import csv_error_folder
from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.clients.ksqldb import QuerySummary
from bifrost.clients.supervisor import ComponentStatus
from bifrost.deployer.apply.await_running import query_causes
from bifrost.deployer.checks.worker_plugins import adapted, read_offer
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.files import ALERT_SERVICE, load, read_services
from bifrost.deployer.live.read_live import is_running
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.deployer.targets import substitutions, unavailable_connectors
from bifrost.errors import BifrostError, RemoteError
from bifrost.operations.watch.watch_state import watched_failures
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings

Status = dict[str, Any]
STATUS_PATIENCE_S = 1.0
"""Short: a part that does not answer is shown as such, not waited for."""


NOT_WELL = 3
"""The exit code of `status --check` when not everything declared runs, or something has a problem."""


def command(
    check: Annotated[
        bool, typer.Option("--check", help="End with exit code 3 unless everything declared runs without a problem.")
    ] = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show what runs: endpoints, connectors with their tasks, queries, services, components."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    found = read_status(settings)
    if as_json:
        screen.json(found)
    else:
        _show(found, screen)
    raise typer.Exit(NOT_WELL if check and not found["well"] else 0)


def read_status(settings: Settings) -> Status:
    """What `status --json` prints. A part that does not answer is an empty list and a line in `problems`."""
    problems: list[str] = []
    parts: dict[str, str] = {}

    def list_or_note(read: Callable[[], list[Status]]) -> list[Status]:
        try:
            return read()
        except BifrostError as error:
            if isinstance(error, RemoteError):
                parts[error.system] = part_state(error)
            problems.append(redact_text(str(error), secrets_of(settings.secrets)))
            return []

    with open_platform(settings, patience_s=STATUS_PATIENCE_S) as platform:
        running = is_running(platform)
        # Parts of a stopped target are not asked: each would take its time to fail, and be listed as a problem.
        components = list_or_note(lambda: _components(platform)) if running else []
        services = {ALERT_SERVICE, *(service.name for service in read_services(settings.project / "services"))}
        problems += [*unread_files(settings), *(undelivered_alerts(settings) if running else ())]
        problems += watched_failures(settings.watch_state) if running else ()
        connectors = list_or_note(lambda: _connectors(platform)) if running else []
        queries = list_or_note(lambda: _queries(platform)) if running else []
        problems += failures(connectors, queries)
        found: Status = {
            "target": settings.target,
            "running": running,
            "endpoints": visible_endpoints(settings),
            "connectors": connectors,
            "elsewhere": list_or_note(lambda: _elsewhere(settings, platform, running=running)),
            "queries": queries,
            "services": [
                {"name": found["name"], "state": _service_state(found["state"]), "error": found["cause"] or None}
                for found in components
                if found["name"] in services
            ],
            "components": components,
            "parts": {**dict.fromkeys(("Kafka Connect", "ksqlDB"), "running" if running else "stopped"), **parts},
            "problems": problems,
        }
    verdict = verdict_of(found, _declared(settings, found))
    return {**found, "well": verdict.well, "verdict": verdict.text}


def _declared(settings: Settings, found: Status) -> Declarations:
    """What this target should run."""
    declared = load(settings.project)
    elsewhere = {entry["name"] for entry in found["elsewhere"]}
    return replace(declared, connectors=tuple(item for item in declared.connectors if item.name not in elsewhere))


def unread_files(settings: Settings) -> list[str]:
    """The files that could not be read, each with its line and cause."""
    return [f"{file.folder}: {file.cause}" for file in csv_error_folder.rejected_files(settings)]


def undelivered_alerts(settings: Settings) -> list[str]:
    """The alerts that are not delivered as their files say, each with its cause."""
    return [f"alert {name}: {problem}" for name, problem in sorted(read_problems(settings.alert_problems).items())]


def connector_lines(connectors: list[Status]) -> list[str]:
    """A line per connector: its name, its state, and that of each of its tasks, in columns."""
    rows = [[entry["name"], entry["state"], *(task["state"] for task in entry["tasks"])] for entry in connectors]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return ["  |  ".join(map(str.ljust, row, widths)).rstrip() for row in sorted(rows)]


def _connectors(platform: Platform) -> list[Status]:
    return [_connector(status) for _, status in sorted(platform.connect.statuses().items())]


def _connector(status: ConnectorStatus) -> Status:
    tasks = [
        {"id": task.id, "state": task.state, "error": root_cause(task.trace) if task.trace else None}
        for task in status.tasks
    ]
    error = root_cause(status.trace) if status.trace else None
    return {"name": status.name, "state": status.state, "error": error, "tasks": tasks}


def _elsewhere(settings: Settings, platform: Platform, *, running: bool) -> list[Status]:
    """The declared connectors that this target cannot run."""
    declared, table = load(settings.project), substitutions(settings)
    if running and declared.connectors:
        table = adapted(table, declared, read_offer(platform.connect))
    unavailable = unavailable_connectors(declared, table)
    return [{"name": name, "reason": reason} for name, reason in sorted(unavailable.items())]


def _queries(platform: Platform) -> list[Status]:
    return [_query(platform, query) for query in platform.ksqldb.queries()]


def _query(platform: Platform, query: QuerySummary) -> Status:
    causes = query_causes(platform.ksqldb, query.id) if query.state == "ERROR" else ()
    error = causes[0] if causes else None
    return {"id": query.id, "state": query.state, "error": error, "sinks": list(query.sinks)}


def failures(connectors: list[Status], queries: list[Status]) -> Iterator[str]:
    """A line for everything that has failed, with its cause."""
    for connector in connectors:
        name = f"connector {connector['name']}"
        failed = [(name, connector), *((f"{name}: task {task['id']}", task) for task in connector["tasks"])]
        yield from (_failure(thing, entry) for thing, entry in failed if entry["state"] == "FAILED")
    yield from (_failure(f"query {query['id']}", query) for query in queries if query["state"] == "ERROR")


def _failure(thing: str, entry: Status) -> str:
    return f"{thing} is {entry['state']}" + (f": {entry['error']}" if entry["error"] else "")


def _components(platform: Platform) -> list[Status]:
    found: list[ComponentStatus] = [] if platform.services is None else platform.services.status()
    return [status.as_json() for status in found]


def _service_state(state: str) -> str:
    """A component's state in the words that connectors and queries use."""
    return "RUNNING" if state in ("running", "ready") else state.upper()


def _show(found: Status, screen: Screen) -> None:
    if not found["running"]:
        screen.say(f"Nothing of target {found['target']} is running; `up` starts it.")
        return
    for line in connector_lines(found["connectors"]):
        screen.say(line)
    rows = [
        ["connector", entry["name"], entry["state"], entry["error"]] for entry in found["connectors"] if entry["error"]
    ]
    for entry in found["connectors"]:
        rows += [
            ["task", f"{entry['name']}/{task['id']}", task["state"], task["error"]]
            for task in entry["tasks"]
            if task["error"]
        ]
    rows += [["connector", entry["name"], "UNAVAILABLE", entry["reason"]] for entry in found["elsewhere"]]
    rows += [["query", entry["id"], entry["state"], entry["error"] or ""] for entry in found["queries"]]
    services = {entry["name"] for entry in found["services"]}
    rows += [["service", entry["name"], entry["state"], entry["error"] or ""] for entry in found["services"]]
    rows += [
        ["component", entry["name"], entry["state"], entry["cause"]]
        for entry in found["components"]
        if entry["name"] not in services
    ]
    screen.table(["what", "name", "state", "cause"], sorted(rows, key=lambda row: _ORDER.index(row[0])))
    for name, value in found["endpoints"].items():
        if value:
            screen.say(f"{name:<16} {value}")
    for name, state in found["parts"].items():
        if state != "running":
            screen.say(f"{name} is {state}.")
    for problem in found["problems"]:
        screen.warn(problem)
    screen.say(found["verdict"])


_ORDER = ("connector", "task", "query", "service", "component")
