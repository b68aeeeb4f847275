"""What README says is so: commands, pipelines, links, settings, and the alert of one's own."""

import re
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

from bifrost.alerts import read_alert
from bifrost.cli.main import app
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.targets import TABLES
from services.delivery.slack import escape, shorten

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def test_the_table_of_commands_lists_exactly_the_commands() -> None:
    listed = re.findall(r"^\| `([\w-]+)[^|]*\|", section("Commands"), re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_every_option_that_is_told_exists() -> None:
    for row in re.findall(r"^\| `([\w-]+).*$", section("Commands"), re.MULTILINE):
        line = next(text for text in section("Commands").splitlines() if text.startswith(f"| `{row}"))
        options = {name for parameter in COMMANDS[row].params for name in parameter.opts}
        for option in re.findall(r"--[a-z]+(?:-[a-z]+)*", line):
            assert option in options, f"{row} {option}"


def test_the_table_of_pipelines_lists_exactly_the_pipelines() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section("Pipelines"), re.MULTILINE)
    declared = {path.name for path in (ROOT / "connectors").iterdir()} | {
        path.stem for path in (ROOT / "topics").glob("*.json")
    }
    assert set(listed) == declared


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_setting_that_is_told_is_explained() -> None:
    explained = (ROOT / ".env.example").read_text()
    told = set(re.findall(r"\b(?:BIFROST|KAFKA|CONNECT|SCHEMA_REGISTRY|KSQLDB|SLACK|TELEGRAM)_[A-Z_]+\b", README))
    assert {name for name in told if name not in explained} == set()


def test_the_alert_of_ones_own_works_as_it_is_written(tmp_path: Path) -> None:
    text = section("An alert of your own")
    (statement,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    (alert,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (path,) = re.findall(r"a file `(alerts/\S+)`", text)
    for folder in ("alerts", "connectors", "dashboards", "data", "ksql", "services", "topics"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    before = validate(tmp_path, TABLES["embedded"])
    with (tmp_path / "ksql" / "patterns.sql").open("a") as statements:
        statements.write(statement)
    (tmp_path / path).write_text(alert)

    assert validate(tmp_path, TABLES["embedded"]) == before
    payment = {"USER_ID": 7, "TOTAL": 1234.5, "COUNTRY": None}
    told = read_alert(tmp_path / path).template.render(payment, escape=escape, shorten=shorten, length=len, limit=1_000)
    assert told == "1,234.50 from somewhere, user 7"


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
