"""Plans statements: from a parsed statement to what it creates, changes or queries."""

from bifrost.engine.planner.planner import Planner
from bifrost.engine.planner.upgrades import check_upgrade

__all__ = ["Planner", "check_upgrade"]
