"""Compares declared connectors with their live configuration and state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bifrost.clients.connect import ConnectorStatus, root_cause
from bifrost.deployer.declared.declarations import Declarations, DeclaredConnector
from bifrost.deployer.live.state import LiveConnector, LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    Operation,
    PutConnector,
    ResourceKind,
    RestartConnector,
    ResumeConnector,
    keep,
)
from bifrost.redaction import REDACTED, redact_value

_MASKED = re.compile(r"[*•]+|\[hidden\]", re.IGNORECASE)
LONGEST_VALUE = 80
_INTERNAL = "__internal."
"""Keys that Connect itself adds to a stored configuration, such as `__internal.config.version`."""


def plan_connectors(declared: Declarations, live: LiveState, *, sinks: bool) -> Iterator[Action]:
    """The actions for source or for sink connectors, in the order declared."""
    for connector in declared.connectors:
        if connector.is_sink is sinks:
            yield _connector(connector, live.connectors.get(connector.name))


def _connector(connector: DeclaredConnector, found: LiveConnector | None) -> Action:
    name = connector.name
    if found is None:
        return Action(
            ActionKind.CREATE, ResourceKind.CONNECTOR, name, "is missing", (PutConnector(name, connector.config),)
        )
    changed = config_changes(connector.config, found.config)
    reasons = [*changed, *state_problems(found.status)]
    operations: tuple[Operation, ...] = (PutConnector(name, connector.config),) if changed else ()
    operations += _state_steps(name, found.status, was_put=bool(changed))
    if not reasons:
        return keep(ResourceKind.CONNECTOR, name)
    return Action(ActionKind.UPDATE, ResourceKind.CONNECTOR, name, "; ".join(reasons), operations)


def config_changes(declared: Mapping[str, str], live: Mapping[str, str]) -> list[str]:
    """The keys that differ; placeholders are compared unresolved, a masked live value counts as equal."""
    changes = []
    for key in sorted(declared.keys() | live.keys()):
        if key.startswith(_INTERNAL):
            continue
        wanted, found = declared.get(key), live.get(key)
        if wanted == found or (wanted is not None and found is not None and _MASKED.fullmatch(found)):
            continue
        before, after = _display(key, found), _display(key, wanted)
        # Only the secrets in both differ: equal texts would look like no change.
        changes.append(f"{key}: {before} -> {after}" if before != after else f"{key}: a secret in it differs")
    return changes


def state_problems(status: ConnectorStatus | None) -> list[str]:
    """Why a connector is not RUNNING in all its tasks, each with its cause."""
    if status is None:
        return ["has no status yet"]
    problems = []
    if status.state != "RUNNING":
        problems.append(_problem(f"is {status.state}", status.trace))
    if status.state == "RUNNING" and not status.tasks:
        problems.append("has no task")
    # Tasks of a paused connector are paused, too; that is no further problem.
    wrong = (task for task in status.tasks if task.state != status.state or task.state == "FAILED")
    problems.extend(
        _problem(f"task {task.id} is {task.state}", task.trace) for task in wrong if task.state != "RUNNING"
    )
    return problems


def _problem(what: str, trace: str) -> str:
    return f"{what}: {root_cause(trace)}" if trace else what


def _state_steps(name: str, status: ConnectorStatus | None, *, was_put: bool) -> tuple[Operation, ...]:
    if status is None:
        return ()
    if status.state in ("PAUSED", "STOPPED"):
        return (ResumeConnector(name),)
    if status.state == "FAILED" or any(task.state == "FAILED" for task in status.tasks):
        return (RestartConnector(name, only_failed=True),)
    # Putting a configuration makes Connect create tasks, so it needs no restart.
    if status.state == "RUNNING" and not status.tasks and not was_put:
        return (RestartConnector(name, only_failed=False),)
    return ()


def _display(key: str, value: str | None) -> str:
    if value is None:
        return "not set"
    text = redact_value(key, value)
    if text == REDACTED:
        return text
    return repr(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}...")
