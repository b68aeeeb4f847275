"""What a person chooses about a plan, beside the pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bifrost.deployer.plan.replace_choices import ReplaceChoices
from bifrost.deployer.plan.selection import ActionFilter


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`prune` removes what this project created and no longer declares; `choices` are for replaced statements.

    `filter` limits the plan to some things (`--only`, `--skip`).
    """

    prune: bool = False
    choices: ReplaceChoices = field(default_factory=ReplaceChoices)
    filter: ActionFilter = field(default_factory=ActionFilter)


DEFAULT_OPTIONS = PlanOptions()


def options_json(options: PlanOptions) -> dict[str, Any]:
    """The options as a saved plan holds them."""
    choices = options.choices
    return {
        "prune": options.prune,
        "from": choices.read_from,
        "topics": choices.topics,
        "repeat_alerts": choices.repeat_alerts,
        "only": list(options.filter.only),
        "skip": list(options.filter.skip),
    }


def options_from_json(found: Mapping[str, Any]) -> PlanOptions:
    """The options of a saved plan.

    Raises:
        KeyError: one is missing.
    """
    choices = ReplaceChoices(found["from"], found["topics"], found["repeat_alerts"])
    return PlanOptions(found["prune"], choices, ActionFilter(tuple(found["only"]), tuple(found["skip"])))
