"""The changes that a team makes in a year: each is planned and applied as announced, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.changes.change import Change, ProjectCopy, without_number
from benchmarks.changes.year import YEAR
from bifrost.clients.http import Connection
from bifrost.clients.search import SearchClient
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.files import load
from bifrost.deployer.plan.actions import DeploymentPlan
from bifrost.deployer.plan.refusal import NOTHING_ALLOWED, refuse_losses
from bifrost.deployer.targets import TABLES, for_target
from bifrost.errors import PlanRefused
from tests.deployer.conftest import Fakes
from tests.examples import first_of
from tests.fakes.http_server import running
from tests.fakes.search import FakeBuckets, FakeSearch

PIPELINES = ("ratings", "patterns")
TEXTS = ("FIRST_NAME", "LAST_NAME", "EMAIL", "GENDER", "CLUB_STATUS", "COMMENTS", "CREATE_TS", "UPDATE_TS")
CUSTOMERS = ", ".join(f"{name} STRING" for name in (*TEXTS, "MESSAGETOPIC", "MESSAGESOURCE"))
INFERRED = {
    "ratings": "RATING_ID BIGINT, USER_ID INT, STARS INT, ROUTE_ID INT, RATING_TIME BIGINT, CHANNEL STRING, "
    "MESSAGE STRING",
    "asgard.demo.CUSTOMERS": f"ID INT, {CUSTOMERS}",
    "CUSTOMERS_SRC_REKEY": CUSTOMERS,
}


@pytest.fixture
def platform(fakes: Fakes) -> Iterator[Fakes]:
    """Fakes of everything that the pipelines use."""
    search = FakeSearch()
    fakes.ksqldb.inferred = INFERRED
    fakes.registry.versions["CUSTOMERS_SRC_REKEY-value"] = ["{}"]
    with running(search.server()) as server:
        assert fakes.platform is not None
        client = SearchClient(Connection("search", server.url, clock=fakes.clock))
        fakes.platform = replace(fakes.platform, search=client, s3=FakeBuckets())
        with fakes.platform:
            yield fakes


def declared(copy: ProjectCopy) -> Declarations:
    found = load(copy.root)
    return for_target(found.select([name for name in PIPELINES if name in found.pipelines]), TABLES["embedded"])


def footprint(fakes: Fakes) -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = {}
    kinds = {"connector": fakes.connect.configs, "topic": fakes.kafka.there, "subject": fakes.registry.versions}
    for kind, things in kinds.items():
        found |= {(kind, name): repr(thing) for name, thing in things.items()}
    found |= {("source", name): source.text for name, source in fakes.ksqldb.sources.items()}
    for query in fakes.ksqldb.queries.values():
        (sink,) = query["sinks"]
        found["query", sink] = (*found.get(("query", sink), ()), (query["id"], query["queryString"]))  # type: ignore[misc]
    return found


def test_every_change_does_what_its_plan_announces_and_nothing_else(platform: Fakes, tmp_path: Path) -> None:
    copy = ProjectCopy(tmp_path / "project")
    first = declared(copy)
    for subject in first.subjects:
        platform.registry.versions.setdefault(subject.name, [subject.schema])
    for service in first.services:
        platform.services.add(service.name)
    platform.apply(first)
    # Debezium writes the changes of the database's schema.
    platform.kafka.records["asgard"] = 5

    for number, change in enumerate(first_of(YEAR, share=0.3), 1):
        # Only what holds records can lose them.
        for query in platform.ksqldb.queries.values():
            for sink in query["sinks"]:
                platform.kafka.records.setdefault(topic_of(platform, sink), 5)
        before = footprint(platform)
        change.edit(copy)
        wanted, prune = declared(copy), "--prune" in change.options
        plan = platform.plan(wanted, prune=prune)

        title = f"{number} {change.title}"
        actions = {f"{action.resource} {without_number(action.name)}": str(action.kind) for action in plan.changes}
        assert actions == change.actions, title
        assert {loss.flag for action in plan.changes for loss in action.loss} == change.flags, title
        if change.flags:
            with pytest.raises(PlanRefused):
                refuse_losses(plan, NOTHING_ALLOWED)
        platform.apply(wanted, prune=prune)
        assert platform.plan(wanted, prune=prune).changes == (), title
        assert touched(before, footprint(platform)) <= announced(platform, change, plan), title


def touched(before: dict[tuple[str, str], object], after: dict[tuple[str, str], object]) -> set[str]:
    return {place[1] for place in {*before, *after} if before.get(place) != after.get(place)}


def announced(platform: Fakes, change: Change, plan: DeploymentPlan) -> set[str]:
    names = {action.name for action in plan.changes} | change.touches
    targets = {name.split()[2] for name in names if name.startswith("INSERT INTO ")}
    sources = names | targets
    return sources | {topic_of(platform, name) for name in sources if name in platform.ksqldb.sources}


def topic_of(platform: Fakes, source: str) -> str:
    return str(platform.ksqldb._summary(platform.ksqldb.sources[source])["topic"])
