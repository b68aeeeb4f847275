"""Asks a person on a terminal before anything is lost, and refuses elsewhere what no option allows."""

from __future__ import annotations

from bifrost.cli.output import Screen
from bifrost.deployer.plan.actions import DeploymentPlan
from bifrost.deployer.plan.losses import AllowedLosses
from bifrost.deployer.plan.refusal import NOTHING_ALLOWED, loss_lines, refuse_losses
from bifrost.errors import PlanRefused

ANSWER = "yes"


def accept_losses(plan: DeploymentPlan, allowed: AllowedLosses, screen: Screen, *, yes: bool) -> None:
    """Return if the plan loses nothing, or a person accepts all that it loses.

    On a terminal the person types the answer; with `yes`, and without a terminal, every loss must be `allowed`.

    Raises:
        PlanRefused: something would be lost that is not accepted; nothing was changed.
    """
    if yes or not screen.can_ask:
        refuse_losses(plan, allowed)
        return
    losses = plan.losses_not_allowed(NOTHING_ALLOWED)
    if not losses:
        return
    for line in ("This will be lost:", *loss_lines(losses)):
        screen.note(line)
    if screen.ask(f"Type {ANSWER!r} to accept it:").lower() != ANSWER:
        raise PlanRefused("nothing was changed: the losses were not accepted")
