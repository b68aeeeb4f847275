"""A plan as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan
from bifrost.deployer.plan.refusal import needed_options

SIGNS = {
    ActionKind.CREATE: "+",
    ActionKind.UPDATE: "~",
    ActionKind.REPLACE: "!",
    ActionKind.DELETE: "-",
    ActionKind.KEEP: "=",
    ActionKind.BLOCKED: "x",
    ActionKind.WAIT: ".",
}
_TOTALS = {
    ActionKind.CREATE: ("to create", "created"),
    ActionKind.UPDATE: ("to update", "updated"),
    ActionKind.REPLACE: ("to replace", "replaced"),
    ActionKind.DELETE: ("to delete", "deleted"),
    ActionKind.BLOCKED: ("blocked", "blocked"),
    ActionKind.WAIT: ("to wait for", "waited for"),
}
"""How a total is worded before and after the plan is carried out."""


def plan_lines(plan: DeploymentPlan) -> Iterator[str]:
    """The plan as lines of text: changes with reasons, losses, manual steps, undeclared resources, and a summary."""
    if plan.is_unknown:
        yield "Nothing is running, so what the target holds cannot be compared."
        yield "`up` compares it when it runs, and changes only what differs from the declarations."
        return
    if not plan.is_running:
        yield "Nothing is running. `up` would start it and create:"
    for action in plan.actions:
        if action.is_change or action.needs_attention:
            yield action_line(action)
            yield from (f"      loss: {loss.what} (allow it with {loss.flag})" for loss in action.loss)
            yield from (f"      run manually: {command}" for command in action.manual_steps)
    for item in plan.undeclared:
        removable = f"kept; {item.kept_because}" if item.kept_because else "kept; --prune removes it"
        status = removable if item.owned else "kept; not made by this project"
        yield f"  ? {item.resource:<10} {item.name} is not declared ({status})"
    yield summary(plan)
    if words := needed_options(plan):
        yield f"Because of the losses, `up` needs: {words}"


def action_line(action: Action) -> str:
    """One action."""
    reason = f": {action.reason}" if action.reason else ""
    return f"  {SIGNS[action.kind]} {action.resource:<10} {action.name}{reason}"


def summary(plan: DeploymentPlan) -> str:
    """The number of actions of each kind."""
    left_out = f" {plan.left_out} left out." if plan.left_out else ""
    if not plan.changes:
        return f"No changes: {plan.count(ActionKind.KEEP)} things are as declared.{left_out}"
    counts = (f"{plan.count(kind)} {future}" for kind, (future, _) in _TOTALS.items() if plan.count(kind))
    return f"{', '.join(counts)}; {plan.count(ActionKind.KEEP)} unchanged.{left_out}"


def result_summary(plan: DeploymentPlan) -> str:
    """The number of actions of each kind of a plan that was carried out."""
    counts = [f"{plan.count(kind)} {past}" for kind, (_, past) in _TOTALS.items() if plan.count(kind)]
    return ", ".join([*counts, f"{plan.count(ActionKind.KEEP)} unchanged"])


def plan_json(plan: DeploymentPlan, target: str) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "target": target,
        "running": plan.is_running,
        "changes": len(plan.changes),
        "left_out": plan.left_out,
        "needed_options": needed_options(plan),
        "actions": [_action_json(action) for action in plan.actions],
        "undeclared": [{"what": item.resource, "name": item.name, "owned": item.owned} for item in plan.undeclared],
    }


def _action_json(action: Action) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": action.kind,
        "what": action.resource,
        "name": action.name,
        "reason": action.reason,
    }
    if action.loss:
        found["losses"] = [{"what": loss.what, "allow": loss.flag} for loss in action.loss]
    if action.manual_steps:
        found["by_hand"] = list(action.manual_steps)
    return found
