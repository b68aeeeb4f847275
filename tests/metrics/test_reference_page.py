"""The reference page lists what the programs serve."""

from __future__ import annotations

import re

from bifrost.default_settings import METRICS_PROGRAMS, PORTS
from bifrost.settings import PROJECT
from bifrost.supervisor.platform_components import COMPONENTS
from tests.metrics.declared import declared

PAGE = PROJECT / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(bifrost_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)


def test_the_page_lists_exactly_the_families_with_kind_and_labels():
    rows = {
        name: [kind.capitalize(), *(label for label in re.findall(r"`(\w+)`", labels) if label != "le")]
        for name, kind, labels in ROW.findall(PAGE.read_text())
    }
    assert rows == declared()


def test_the_names_follow_the_conventions_of_prometheus():
    for name, (kind, *_labels) in declared().items():
        assert name.endswith("_total") == (kind == "Counter"), name
        assert name.endswith("_seconds") or kind != "Histogram", name


def test_each_program_has_a_port_of_its_own():
    ports = [PORTS[f"metrics_{program}"] for program in METRICS_PROGRAMS]
    assert len(set(PORTS.values())) == len(PORTS)
    assert ports == list(range(9400, 9400 + len(ports)))
    assert set(METRICS_PROGRAMS) <= {"supervisor", *COMPONENTS}
