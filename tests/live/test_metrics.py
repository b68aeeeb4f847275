"""Every program of the running platform serves its metrics, and Prometheus finds them."""

from __future__ import annotations

import json

import pytest

from bifrost.console.metrics_reader import metrics_reader
from tests.live.conftest import Platform
from tests.live.waiting import eventually_equal

SERVE = {"supervisor", "ksqldb", "console", "rest_proxy", "alerts", "platform_watch"}


@pytest.fixture
def embedded(platform: Platform) -> Platform:
    if platform.settings.target != "embedded":
        pytest.skip("other targets have programs of their own")
    return platform


def test_the_programs_that_run_serve_figures_that_add_up(embedded: Platform) -> None:
    reader = metrics_reader(embedded.settings)

    def problem() -> str:
        # One read at a time: on a busy machine a program may answer too late for one of them.
        found = reader.read()
        silent = SERVE - {each["name"] for each in found["programs"] if each["state"] == "answers"}
        figures = {(each["group"], each["title"]): each["value"] for each in found["figures"]}
        wanted = {
            ("Platform", "Components that run"): len(SERVE),
            ("Platform", "Free disk space"): 1,
            ("Queries", "Running"): 1,
            ("Notifications", "Delivered"): 0,
        }
        low = {figure: figures.get(figure) for figure, least in wanted.items() if figures.get(figure, -1) < least}
        return f"no answer from {sorted(silent)}, too low: {low}" if silent or low else ""

    eventually_equal(problem, "")


def test_prometheus_gets_the_ports_of_the_platform(embedded: Platform) -> None:
    targets = json.loads(embedded.settings.scrape_targets_file.read_text())
    ports = {each["labels"]["program"]: int(each["targets"][0].rpartition(":")[2]) for each in targets}
    assert ports["ksqldb"] == embedded.settings.port("ksqldb")
    assert ports["alerts"] == embedded.settings.port("metrics_alerts")
