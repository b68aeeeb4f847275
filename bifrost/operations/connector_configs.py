"""Changes the configuration of a connector that runs: shows the difference, lets Connect validate it, puts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import Clock
from bifrost.deployer.checks.connect_validate import CLASS_KEY, check_connectors
from bifrost.deployer.declared.declarations import DeclaredConnector
from bifrost.deployer.live.state import Platform
from bifrost.errors import OperationRefused
from bifrost.operations.state_changes import RESTART_REPORTED_S, await_connector
from bifrost.redaction import REDACTED, redact_value

_NAME = "name"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """What Connect says about one key; `key` is empty if it concerns the whole. Only an error prevents the change."""

    key: str
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class PlannedConfig:
    """A new configuration of a connector. Both hold secrets: show `lines`, never the values."""

    name: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    state: str

    @property
    def is_change(self) -> bool:
        """Whether anything differs."""
        return dict(self.before) != dict(self.after)

    @property
    def lines(self) -> tuple[str, ...]:
        """The differences, without secrets."""
        keys = sorted({*self.before, *self.after})
        return tuple(line for key in keys if (line := _difference(key, self.before.get(key), self.after.get(key))))


def edited_config(connect: ConnectClient, name: str, edited: Mapping[str, str]) -> dict[str, str]:
    """The configuration that a person means who edited the redacted one: a redacted value means the present one.

    Raises:
        OperationRefused: the connector does not exist, or a value with a redacted part was changed: Connect would take
            the asterisks for the secret.
    """
    live = connect.config(name)
    if live is None:
        raise OperationRefused(f"connector {name} does not exist")
    meant = {
        key: live[key] if key in live and value == redact_value(key, live[key]) else value
        for key, value in edited.items()
    }
    if unclear := sorted(key for key, value in meant.items() if REDACTED in value and value != live.get(key)):
        raise OperationRefused(
            f"connector {name} was not changed: {REDACTED} in {', '.join(unclear)} stands for a secret that is not "
            "shown; enter the secret, or a placeholder such as ${env:NAME}"
        )
    return {**meant, _NAME: name}


def check_config(connect: ConnectClient, name: str, config: Mapping[str, str]) -> tuple[ConfigProblem, ...]:
    """What Connect finds wrong with a configuration; no secret is in it."""
    if not config.get(CLASS_KEY):
        return (ConfigProblem(CLASS_KEY, "is missing", True),)
    declared = DeclaredConnector(name, "", Path(f"{name}.json"), {**config, _NAME: name})
    found = []
    for item in check_connectors(connect, [declared]):
        key, sign, text = item.text.partition(": ")
        is_about_key = bool(sign) and " " not in key
        found.append(ConfigProblem(key if is_about_key else "", text if is_about_key else item.text, item.is_error))
    return tuple(found)


def plan_config(connect: ConnectClient, name: str, edited: Mapping[str, str]) -> PlannedConfig:
    """What putting an edited configuration would do.

    Raises:
        OperationRefused: the connector does not exist, or Connect does not accept the configuration.
    """
    after = edited_config(connect, name, edited)
    problems = [problem for problem in check_config(connect, name, after) if problem.is_error]
    if problems:
        listed = "; ".join(f"{problem.key}: {problem.text}" if problem.key else problem.text for problem in problems)
        raise OperationRefused(f"connector {name} was not changed: Connect does not accept it: {listed}")
    status = connect.status(name)
    before = connect.config(name) or {}
    return PlannedConfig(name, before, after, "" if status is None else status.state)


def change_config(platform: Platform, planned: PlannedConfig, clock: Clock) -> None:
    """Put the configuration, and wait until the connector runs with it. A paused or stopped one stays as it is.

    Raises:
        OperationRefused: the configuration was changed since it was planned.
        NotReady: the connector does not run; the message has the cause.
    """
    if platform.connect.config(planned.name) != dict(planned.before):
        raise OperationRefused(f"connector {planned.name} was not changed: it has changed meanwhile; look again")
    platform.connect.put(planned.name, planned.after)
    if planned.state in ("PAUSED", "STOPPED"):
        return
    clock.sleep(RESTART_REPORTED_S)
    await_connector(platform, planned.name, clock)


def _difference(key: str, before: str | None, after: str | None) -> str:
    if before == after:
        return ""
    old = None if before is None else redact_value(key, before)
    new = None if after is None else redact_value(key, after)
    if old is None:
        return f"{key}: new, {new}"
    if new is None:
        return f"{key}: removed, was {old}"
    return f"{key}: changed (not shown)" if old == new else f"{key}: {old} -> {new}"
