"""How a rotation restarts the parts of the running platform."""

from __future__ import annotations

from typing import cast

import pytest

from bifrost.clients.supervisor import ComponentState, ComponentStatus, SupervisorClient
from bifrost.errors import ComponentError
from bifrost.security.supervised_parts import RETRIES, SupervisedParts


class Supervisor:
    """One component, whose restarts end in these states."""

    def __init__(self, *states: ComponentState) -> None:
        self.states = list(states)

    def status(self) -> list[ComponentStatus]:
        return [
            status("broker", "ready"),
            status("alerts", "running"),
            status("s3", "failed"),
            status("search", "stopped"),
        ]

    def restart(self, name: str, *, wait_s: float) -> ComponentStatus:
        assert wait_s > 0
        return status(name, self.states.pop(0))


def status(name: str, state: ComponentState) -> ComponentStatus:
    return ComponentStatus(name, state, 1, 0, 0.0, f"{name}.log", "exit code 1" if state == "failed" else "")


def parts(supervisor: Supervisor) -> SupervisedParts:
    return SupervisedParts(cast(SupervisorClient, supervisor))


def test_only_what_runs_is_restarted() -> None:
    assert parts(Supervisor()).running() == ("broker", "alerts")


def test_a_part_that_does_not_start_is_started_again() -> None:
    supervisor = Supervisor("failed", "ready")
    parts(supervisor).restart("schema_registry")
    assert supervisor.states == []


def test_a_part_that_never_starts_is_named_with_its_log_and_the_way_on() -> None:
    with pytest.raises(ComponentError, match=r"broker: exit code 1; `secure rotate` continues .*broker\.log"):
        parts(Supervisor(*["failed"] * (1 + RETRIES))).restart("broker")
