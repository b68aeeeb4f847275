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
    PutConnectorWithoutOffsets,
    ResourceKind,
    RestartConnector,
    ResumeConnector,
    TakeOverConnector,
    keep,
)
from bifrost.deployer.plan.connector_changes import effects_of
from bifrost.deployer.plan.key_changes import OFFSETS, KeyEffect, with_count
from bifrost.deployer.plan.losses import Loss
from bifrost.deployer.targets import OWNER_KEY
from bifrost.redaction import REDACTED, redact_value

_MASKED = re.compile(r"[*•]+|\[hidden\]", re.IGNORECASE)
LONGEST_VALUE = 80
SUSPENDED = ("PAUSED", "STOPPED")
"""States that only a command leads to: neither Connect nor ksqlDB pauses anything by itself."""
_NAMES = frozenset({"name", OWNER_KEY, "errors.deadletterqueue.topic.name"})
"""Keys whose values a renamed connector changes with its name."""
_INTERNAL = "__internal."
"""Keys that Connect itself adds to a stored configuration, such as `__internal.config.version`."""


def plan_connectors(
    declared: Declarations,
    live: LiveState,
    *,
    sinks: bool,
    everything: Declarations | None = None,
    prune: bool = False,
) -> Iterator[Action]:
    """The actions for source or for sink connectors, in the order declared.

    Args:
        everything: all declarations, to know a renamed connector by its former name, which none of them has.
        prune: whether such a former connector is removed by this plan.
    """
    known = {connector.name for connector in (everything or declared).connectors}
    former = {name: found for name, found in live.connectors.items() if name not in known and OWNER_KEY in found.config}
    for connector in declared.connectors:
        if connector.is_sink is sinks:
            yield _connector(connector, live, declared, former, prune=prune)


def _connector(
    connector: DeclaredConnector,
    live: LiveState,
    declared: Declarations,
    former: Mapping[str, LiveConnector],
    *,
    prune: bool,
) -> Action:
    found = live.connectors.get(connector.name)
    if found is None or (found.status is not None and found.status.state == "STOPPED"):
        renamed = next((name for name, other in former.items() if _is_same(connector.config, other.config)), None)
        if renamed is not None and prune:
            return _taken_over(connector, renamed)
        if found is None:
            return _missing(connector, renamed, live)
    changed = changed_keys(connector.config, found.config)
    reasons = [_change_text(key, connector.config, found.config) for key in changed] + state_problems(found.status)
    if not reasons:
        return keep(ResourceKind.CONNECTOR, connector.name)
    topics = tuple(topic.name for topic in declared.topics if topic.connector == connector.name)
    # Where only a secret differs, the connector connects again and continues.
    visible = tuple(key for key in changed if not _is_secret_change(key, connector.config, found.config))
    effects = effects_of(connector.name, found.config, connector.config, visible, topics=topics, records=live.records)
    return _update(connector, found, effects, reasons, is_put=bool(changed))


def _update(
    connector: DeclaredConnector,
    found: LiveConnector,
    effects: tuple[KeyEffect, ...],
    reasons: list[str],
    *,
    is_put: bool,
) -> Action:
    name, resource = connector.name, ResourceKind.CONNECTOR
    losses = tuple(Loss(effect.text, effect.flag) for effect in effects if effect.flag)
    reasons += [effect.text for effect in effects if not effect.flag]
    if way_out := tuple(step for effect in effects for step in effect.way_out):
        return Action(ActionKind.BLOCKED, resource, name, "; ".join(reasons), manual_steps=way_out)
    if any(effect.resets_offsets for effect in effects):
        step = PutConnectorWithoutOffsets(name, connector.config)
        return Action(ActionKind.REPLACE, resource, name, "; ".join(reasons), (step,), loss=losses)
    operations: tuple[Operation, ...] = (PutConnector(name, connector.config),) if is_put else ()
    operations += _state_steps(name, found.status, was_put=is_put)
    if any(isinstance(operation, ResumeConnector) for operation in operations):
        reasons.append("it is resumed")
    # Unassigned or restarting tasks need no step: the workers are starting, or rebalance.
    kind = ActionKind.UPDATE if operations else ActionKind.WAIT
    return Action(kind, resource, name, "; ".join(reasons), operations, loss=losses)


def _missing(connector: DeclaredConnector, renamed: str | None, live: LiveState) -> Action:
    """A new connector; one that looks like a renamed one would do everything a second time."""
    reason = "is missing"
    losses: tuple[Loss, ...] = ()
    if renamed is not None:
        reason = f"is missing; {renamed} has the same configuration, is not declared and stays"
        if connector.is_sink:
            read = ", ".join(with_count(topic, live.records) for topic in connector.topics) or "all of its topics"
            what = f"reads {read} from the first record and writes a second time what {renamed} has written"
        else:
            what = f"reads everything a second time, beside {renamed}"
        losses = (Loss(f"{what}; with --prune it takes over the offsets of {renamed} instead", OFFSETS),)
    step = PutConnector(connector.name, connector.config)
    return Action(ActionKind.CREATE, ResourceKind.CONNECTOR, connector.name, reason, (step,), loss=losses)


def _taken_over(connector: DeclaredConnector, former: str) -> Action:
    step = TakeOverConnector(connector.name, connector.config, former)
    reason = f"is {former} under a new name: continues from its offsets"
    return Action(ActionKind.CREATE, ResourceKind.CONNECTOR, connector.name, reason, (step,))


def _is_same(declared: Mapping[str, str], live: Mapping[str, str]) -> bool:
    """Whether two connectors do the same, whatever their names."""
    return not [key for key in changed_keys(declared, live) if key not in _NAMES]


def changed_keys(declared: Mapping[str, str], live: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that differ, sorted; placeholders are compared unresolved, a masked live value counts as equal."""
    changes = []
    for key in sorted(declared.keys() | live.keys()):
        if key.startswith(_INTERNAL):
            continue
        wanted, found = declared.get(key), live.get(key)
        if wanted != found and not (wanted is not None and found is not None and _MASKED.fullmatch(found)):
            changes.append(key)
    return tuple(changes)


def _change_text(key: str, declared: Mapping[str, str], live: Mapping[str, str]) -> str:
    if _is_secret_change(key, declared, live):
        return f"{key}: a secret in it differs"
    return f"{key}: {_display(key, live.get(key))} -> {_display(key, declared.get(key))}"


def _is_secret_change(key: str, declared: Mapping[str, str], live: Mapping[str, str]) -> bool:
    """Whether the values look the same without their secrets."""
    return _display(key, live.get(key)) == _display(key, declared.get(key))


def state_problems(status: ConnectorStatus | None) -> list[str]:
    """Why a connector is not RUNNING in all its tasks, each with its cause."""
    if status is None:
        return ["has no status yet"]
    problems = []
    if status.state != "RUNNING":
        by = " by a command" if status.state in SUSPENDED else ""
        problems.append(_problem(f"is {status.state}{by}", status.trace))
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
    if status.state in SUSPENDED:
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
