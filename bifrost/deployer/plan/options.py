"""What a person chooses about a plan, beside the pipelines."""

from __future__ import annotations

from dataclasses import dataclass, field

from bifrost.deployer.plan.replace_choices import ReplaceChoices


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`prune` removes what this project created and no longer declares; `choices` are for replaced statements."""

    prune: bool = False
    choices: ReplaceChoices = field(default_factory=ReplaceChoices)
