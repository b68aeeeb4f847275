"""A project with a dashboard, and a platform with the fakes that its sinks need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from bifrost.clients.http import Connection
from bifrost.clients.kibana import KibanaClient
from bifrost.clients.search import SearchClient
from bifrost.deployer.apply.deployment import Deployment
from bifrost.deployer.live.read_live import read_live
from bifrost.deployer.plan.actions import DeploymentPlan
from bifrost.deployer.plan.make_plan import make_plan
from bifrost.deployer.plan.options import PlanOptions
from tests.deployer.conftest import Fakes, Project
from tests.fakes.http_server import running
from tests.fakes.search import FakeBuckets, FakeKibana, FakeSearch

TEMPLATE = {
    "index_patterns": ["ratings"],
    "priority": 200,
    "template": {
        "settings": {"number_of_replicas": 0, "refresh_interval": "500ms"},
        "mappings": {"properties": {"TS": {"type": "date"}}},
    },
}
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "title": "Counts",
    "data": {
        "url": {"%context%": True, "%timefield%": "TS", "index": "ratings", "body": {"size": 0}},
        "format": {"property": "aggregations.x.buckets"},
    },
    "mark": "bar",
}
TABLE = {"title": "Feed", "index": "ratings", "timeFieldName": "TS", "columns": ["A"], "sort": [["TS", "desc"]]}
LAYOUT = {
    "title": "Ratings",
    "panels": [
        {"panel": "counts", "gridData": {"x": 0, "y": 0, "w": 24, "h": 10}},
        {"panel": "feed", "gridData": {"x": 24, "y": 0, "w": 24, "h": 10}},
    ],
}
SINK = {"connector.class": "org.example.Sink", "topics": "ALERTS", "s3.bucket.name": "lake"}


@dataclass
class Sinks:
    """The fakes that sinks and dashboards need, in a platform with all the others."""

    fakes: Fakes
    search: FakeSearch
    kibana: FakeKibana
    s3: FakeBuckets

    def plan(self, project: Project) -> DeploymentPlan:
        platform, declared = self.fakes.platform, project.declared()
        assert platform is not None
        return make_plan(declared, read_live(platform, declared))

    def up(self, project: Project, *, prune: bool = False) -> list[str]:
        """Carry out a plan; its changes."""
        platform, declared = self.fakes.platform, project.declared()
        assert platform is not None
        plan = make_plan(declared, read_live(platform, declared), options=PlanOptions(prune))
        Deployment(platform, declared, self.fakes.clock).carry_out(plan, lambda *_: None)
        return [f"{action.kind} {action.resource} {action.name}" for action in plan.changes]


@pytest.fixture
def sinks(fakes: Fakes) -> Iterator[Sinks]:
    made = Sinks(fakes, FakeSearch(), FakeKibana(), FakeBuckets())
    assert fakes.platform is not None
    with running(made.search.server()) as search, running(made.kibana.server()) as kibana:
        fakes.platform = replace(
            fakes.platform,
            search=SearchClient(Connection("search", search.url, clock=fakes.clock)),
            kibana=KibanaClient(Connection("Kibana", kibana.url, clock=fakes.clock)),
            s3=made.s3,
        )
        with fakes.platform:
            yield made


@pytest.fixture
def dashboards(project: Project) -> Project:
    project.write("dashboards/ratings/templates/ratings.json", TEMPLATE)
    project.write("dashboards/ratings/counts.json", CHART)
    project.write("dashboards/ratings/feed.json", TABLE)
    project.write("dashboards/ratings/dashboard.json", LAYOUT)
    project.write("connectors/ratings/s3-sink.json", SINK)
    return project
