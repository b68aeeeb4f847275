"""Refuses a plan with a loss that is not allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bifrost.deployer.plan.actions import Action, DeploymentPlan
from bifrost.deployer.plan.losses import AllowedLosses, Loss, allow_words
from bifrost.errors import PlanRefused

NOTHING_ALLOWED = AllowedLosses()


def needed_options(plan: DeploymentPlan, allowed: AllowedLosses = NOTHING_ALLOWED) -> str:
    """The options that `up` needs beside `allowed` to carry the plan out; empty if none."""
    missing = [(action.name, loss) for action, loss in plan.losses_not_allowed(allowed)]
    return " ".join(f"--allow {word}" for word in allow_words(missing))


def loss_lines(losses: Iterable[tuple[Action, Loss]]) -> Iterator[str]:
    """A line for each loss, with the thing that loses."""
    return (f"  - {action.resource} {action.name}: {loss.what}" for action, loss in losses)


def refuse_losses(plan: DeploymentPlan, allowed: AllowedLosses) -> None:
    """Raise if the plan loses something that is not allowed.

    Raises:
        PlanRefused: with every such loss and the options that allow them.
    """
    missing = plan.losses_not_allowed(allowed)
    if not missing:
        return
    losses = "".join(f"\n{line}" for line in loss_lines(missing))
    options = needed_options(plan, allowed)
    raise PlanRefused(f"nothing was changed; this would be lost:{losses}\n  to accept it, add: {options}", (options,))
