"""The plan of this project's own declarations, to the letter: on an empty platform and on an unchanged one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bifrost.deployer.declared.files import load
from bifrost.deployer.plan.plan_text import plan_lines
from bifrost.deployer.targets import TABLES, for_target
from bifrost.settings import PROJECT
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


def test_the_plan_on_an_unchanged_platform(declared, fakes, golden):
    fakes.apply(declared)

    golden("plan-unchanged.txt", text(fakes.plan(declared)))
