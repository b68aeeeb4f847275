"""Pausing, resuming, stopping and restarting what runs, as planned actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bifrost.console.operated.parameters import text_in
from bifrost.console.operated.pending_actions import PlannedAction
from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.operations.live_things import find_live
from bifrost.operations.state_changes import Change, StateChange, carry_out, plan_state_changes

Planner = Callable[[OperatedTarget, Mapping[str, Any]], PlannedAction]


def planner_of(change: Change) -> Planner:
    """The planner of a change: `{"name": "connector:NAME"}`, with a name as the command `pause` takes it."""

    def plan(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
        name = text_in(body, "name")
        planned = plan_state_changes(change, find_live(target.platform, target.services(), name))
        changes = tuple(item for item in planned if item.is_change)
        lines = tuple(str(item) if item.is_change else f"{item.thing} is {item.before} already." for item in planned)
        thing = str(planned[0].thing) if len(planned) == 1 else name
        return PlannedAction(str(change), thing, lines, lambda target: _done(target, changes), bool(changes))

    return plan


def _done(target: OperatedTarget, changes: tuple[StateChange, ...]) -> str:
    done = [carry_out(target.platform, item, target.clock) for item in changes]
    return "; ".join(f"{item.thing} is {item.after}" for item in done) + "."
