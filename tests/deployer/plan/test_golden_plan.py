"""Plans to the letter: of this project on an empty and an unchanged platform, and of many changes of a small one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.plan.plan_text import plan_lines
from bifrost.deployer.targets import TABLES, for_target
from bifrost.settings import PROJECT
from tests.deployer.conftest import CONNECTOR, RATINGS_SCHEMA, TOPICS
from tests.fakes.search import FakeBuckets

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden(request):
    """Compares a text with a checked-in file, or writes it with `--update-golden`."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden", default=False):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


SINK = {"connector.class": "org.example.Sink", "topics": "ALERTS"}


@pytest.fixture
def declared(fakes):
    """The project's declarations as the embedded target runs them, on fakes that accept all of them."""
    found = for_target(load(PROJECT), TABLES["embedded"])
    fakes.connect.plugins = tuple({connector.config["connector.class"] for connector in found.connectors})
    # Connectors and queries register the schemas of what they write.
    written = {name: ['"string"'] for statement in found.statements for name in statement.awaited_subjects}
    written |= {subject.name: [subject.schema] for subject in found.subjects if subject.is_snapshot}
    own = {subject.name for subject in found.subjects if not subject.is_snapshot}
    written = {name: schemas for name, schemas in written.items() if name not in own}
    fakes.connect.on_put = lambda name: fakes.registry.versions.update(written)
    for service in found.services:
        fakes.services.add(service.name)
    fakes.platform = replace(fakes.platform, s3=FakeBuckets())
    return found


def text(plan) -> str:
    return "".join(f"{line}\n" for line in plan_lines(plan))


def test_the_plan_on_an_empty_platform(declared, fakes, golden):
    golden("plan-empty.txt", text(fakes.plan(declared)))


def test_the_plan_of_many_changes(project, fakes, golden):
    """Each kind but statements, with what it announces."""
    project.write("connectors/ratings/old-sink.json", SINK)
    fakes.apply(project.declared())
    fakes.kafka.records |= {"ratings": 4218, "asgard.demo.CUSTOMERS": 20, "ALERTS": 7}
    fakes.kafka.old_records["ratings"] = 1210
    fakes.registry.conflicts["ratings-value"] = []
    changed = {**TOPICS["ratings"], "retention.ms": 86_400_000, "partitions": 4}
    customers = {**TOPICS["asgard.demo.CUSTOMERS"], "partitions": 2}
    project.write("topics/ratings.json", {"ratings": changed, "asgard.demo.CUSTOMERS": customers, "new": {}})
    field = {"name": "channel", "type": "string"}
    schema = {**RATINGS_SCHEMA, "fields": [*RATINGS_SCHEMA["fields"], field]}
    project.write("topics/schemas/ratings-value.avsc", schema)
    tables = {"table.include.list": "demo.CUSTOMERS,demo.ORDERS", "poll.interval.ms": "50"}
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, **tables})
    (project.root / "connectors/ratings/old-sink.json").unlink()
    project.write("connectors/ratings/new-sink.json", SINK)

    golden("plan-changes.txt", text(fakes.plan(project.declared())))


def test_the_plan_on_an_unchanged_platform(declared, fakes, golden):
    fakes.apply(declared)

    golden("plan-unchanged.txt", text(fakes.plan(declared)))
