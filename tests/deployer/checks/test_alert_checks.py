"""Alerts against the statements: what `validate` reports of their templates."""

from __future__ import annotations

import pytest

from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import TABLES
from tests.deployer.conftest import Project

ALERT = """topic = "ALERTS"
channel = "slack"
to = "room"
template = "{EMAIL} gave {STARS:.1f} {USER_ID}"

[once]
by = ["EMAIL"]
within = "1 hour"
"""


def problems(project: Project) -> list[str]:
    found = validate(project.root, TABLES["embedded"])
    return [str(problem).removeprefix(f"{project.root}/") for problem in found]


def test_an_alert_of_known_columns_is_fine_and_brings_its_service(project: Project):
    project.write("alerts/bad_reviews.toml", ALERT)

    assert problems(project) == []
    assert "alerts" in {service.name for service in project.declared().services}
    assert "alerts" in {service.name for service in project.declared().select(["ratings"]).services}
    assert project.declared().pipelines == ("customers", "ratings")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{EMAIL}", "{EMIAL}", "4: template: ALERTS has no column EMIAL; did you mean EMAIL?"),
        ("{EMAIL}", "{EMAIL.X}", "4: template: ALERTS.EMAIL has no column X"),
        ("{EMAIL}", "{EMAIL:.1f}", "4: template: EMAIL is a STRING; only a number can be written as '.1f'"),
        ('["EMAIL"]', '["MAIL"]', "7: once.by: ALERTS has no column MAIL; did you mean EMAIL?"),
        ('"ALERTS"', '"ALERT"', "1: no stream or table has the topic ALERT; did you mean ALERTS?"),
        ("{EMAIL}", "{EMAIL", "4: template: single '{'"),
    ],
)
def test_what_does_not_fit_is_reported_with_its_line(project: Project, old: str, new: str, problem: str):
    project.write("alerts/bad_reviews.toml", ALERT.replace(old, new, 1))

    (found,) = problems(project)
    assert found.startswith(f"alerts/bad_reviews.toml:{problem}")


def test_two_alerts_do_not_share_a_group(project: Project):
    project.write("alerts/a.toml", 'group = "g"\n' + ALERT)
    project.write("alerts/b.toml", 'group = "g"\n' + ALERT)

    assert problems(project) == ["alerts/b.toml:1: group g is also used by a.toml [BF602]"]


def test_an_alert_for_what_a_wrong_statement_makes_is_not_blamed(project: Project):
    project.write("alerts/bad_reviews.toml", ALERT)
    path = project.root / "ksql" / "ratings.sql"
    path.write_text(path.read_text().replace("R.STARS,", "R.STARZ,"))

    assert [problem.split(":")[0] for problem in problems(project)] == ["ksql/ratings.sql"]
