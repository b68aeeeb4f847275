"""Every action of the console by name, and the function that plans it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bifrost.console.operated.config_actions import plan_configuring
from bifrost.console.operated.dead_letter_actions import plan_dropping, plan_replaying
from bifrost.console.operated.offset_actions import plan_reset, plan_set
from bifrost.console.operated.pending_actions import PlannedAction
from bifrost.console.operated.state_actions import planner_of
from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.operations.state_changes import Change

Planner = Callable[[OperatedTarget, Mapping[str, Any]], PlannedAction]
"""Plans an action from the body of a request; raises `InvalidParameter`, or a `BifrostError` if it is impossible."""

PLANNERS: Mapping[str, Planner] = {
    "dead-letters.replay": plan_replaying,
    "dead-letters.drop": plan_dropping,
    "connector.configure": plan_configuring,
    "offsets.reset": plan_reset,
    "offsets.set": plan_set,
    **{str(change): planner_of(change) for change in Change},
}
