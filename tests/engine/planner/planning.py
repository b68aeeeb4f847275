"""A metastore with its environment, to plan statements one after the other as a server would."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.registry import default_registry
from bifrost.engine.plan.steps import Step, sources_of
from bifrost.engine.planner import Planner
from bifrost.engine.planner.environment import PlannerConfig
from bifrost.engine.planner.outcome import PersistentPlan, Planned
from bifrost.engine.testing.offline_check import OfflineChecker
from bifrost.errors import StatementError
from bifrost.sql.parser import parse_statement


def avro(**columns: str) -> str:
    """An Avro record of nullable fields."""
    listed = [{"name": name, "type": ["null", kind], "default": None} for name, kind in columns.items()]
    return json.dumps({"type": "record", "name": "R", "fields": listed})


@dataclass
class StatementPlanner:
    """Plans statements and remembers what they make."""

    subjects: dict[str, str] = field(default_factory=dict)
    topics: dict[str, TopicInfo] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.checker = OfflineChecker(subjects=self.subjects, topics=self.topics, properties=self.properties)

    def run(self, *statements: str) -> Planned:
        """Plans statements, keeps what they make, and gives the plan of the last one."""
        planned = None
        for statement in statements:
            planned = self.checker.check(parse_statement(statement)).planned
        assert planned is not None
        return planned

    def query(self, *statements: str) -> PersistentPlan:
        """As `run`, for a statement that makes a persistent query."""
        planned = self.run(*statements)
        assert isinstance(planned, PersistentPlan)
        return planned

    def plan(self, statement: str, *, number: int = 0) -> Planned:
        """Plans a statement without keeping what it makes."""
        config = PlannerConfig.of(self.properties)
        planner = Planner(self.checker.metastore, default_registry(), self.checker.environment, config)
        return planner.plan(parse_statement(statement), query_number=number)

    def schema(self, name: str) -> str:
        """The columns of a stream or table, as ksqlDB prints them."""
        source = self.checker.metastore.find(name)
        assert source is not None
        return str(source.schema)

    def refusal(self, statement: str) -> str:
        """Why a statement is not accepted."""
        with pytest.raises(StatementError) as caught:
            self.plan(statement)
        return caught.value.message


def steps(planned: PersistentPlan) -> list[str]:
    """The names of the plan's steps from the sink to the sources, left before right."""

    def names(step: Step) -> list[str]:
        return [type(step).__name__, *(name for source in sources_of(step) for name in names(source))]

    return names(planned.query.step)


def step_of(planned: PersistentPlan, kind: str) -> Step:
    """The only step of that name."""

    def found(step: Step) -> list[Step]:
        here = [step] if type(step).__name__ == kind else []
        return here + [other for source in sources_of(step) for other in found(source)]

    (only,) = found(planned.query.step)
    return only
