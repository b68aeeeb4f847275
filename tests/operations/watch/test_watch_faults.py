"""What `benchmarks.watch_faults` accepts, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.watch_faults.fault import Expected
from benchmarks.watch_faults.judgement import Observation, problems_of, row
from benchmarks.watch_faults.program_faults import KINDS
from bifrost.engine.testing.driver import Driver

SUBJECT = "connector mysql-demo-customers"
MESSAGE = f"*{SUBJECT}* failed: Access denied"
GOOD = Observation(31.0, (MESSAGE,), 3, ("connector mysql-demo-customers cannot connect",), 12.0)
UNNOTICED = Observation(None, (), 0, (), 5.0)


def problems(seen: Observation, expected: Expected = Expected.REPORTED) -> list[str]:
    return list(problems_of(expected, SUBJECT, seen))


def test_a_fault_that_is_reported_once_shown_and_over_is_accepted():
    assert problems(GOOD) == []
    assert row("mariadb: stopped", GOOD, []).endswith("12 s  ok")
    assert problems(UNNOTICED, Expected.HEALED) == []
    recovered = f"*{SUBJECT}* runs again"
    assert problems(replace(GOOD, messages=(MESSAGE, recovered, recovered))) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"reported_s": None, "messages": ()}, "no message"),
        ({"reported_s": 61.0}, "a message only after 61 s"),
        ({"messages": (MESSAGE, MESSAGE)}, f"2 times the same message: {MESSAGE}"),
        ({"messages": (f"*{SUBJECT}* failed",)}, f"a message without a cause: *{SUBJECT}* failed"),
        ({"status_code": 0}, "status --check ended with 0"),
        ({"status_lines": ("All well",)}, "status does not name mysql-demo-customers"),
        ({"healed_s": None}, "it does not run again"),
    ],
)
def test_what_is_not_as_it_must_be_is_named(changed, problem):
    assert problems(replace(GOOD, **changed)) == [problem]


def test_what_heals_in_seconds_must_not_be_reported():
    assert problems(replace(UNNOTICED, messages=(MESSAGE,)), Expected.HEALED) == [
        f"a message about what heals without help: {MESSAGE}"
    ]


def test_a_message_that_could_not_be_sent_must_come_later():
    assert problems(replace(GOOD, reported_s=None), Expected.REPORTED_LATER) == []
    assert problems(replace(GOOD, messages=()), Expected.REPORTED_LATER) == ["no message after the repair"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_queries_that_are_broken_are_valid(kind):
    driver = Driver()
    for stream in ("S", "S_R"):
        driver.run(f"CREATE STREAM {stream} (A INT) WITH (KAFKA_TOPIC='S', VALUE_FORMAT='JSON');")

    driver.run(KINDS[kind].format(source="S", sink="X"))

    assert len(driver.queries) == 1
