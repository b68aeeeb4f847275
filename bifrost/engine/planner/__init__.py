"""From statements to plans."""

from bifrost.engine.planner.planner import Planner

__all__ = ["Planner"]
