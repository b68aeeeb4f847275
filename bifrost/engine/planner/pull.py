"""Pull queries."""

from __future__ import annotations

from bifrost.engine.analyzer import Analysis
from bifrost.engine.environment import PlannerConfig
from bifrost.engine.planned import PullPlan
from bifrost.errors import UnsupportedError


def plan_pull(analysis: Analysis, text: str, config: PlannerConfig, *, check_only: bool = False) -> PullPlan:
    """Pull queries come with the next change."""
    raise UnsupportedError("pull queries are not planned yet", text)
