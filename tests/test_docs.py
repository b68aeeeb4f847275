"""README and docs agree with the code: commands, options, settings, links, samples and statements."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.main import get_command

from bifrost.alert_template import Template
from bifrost.alerts import read_alert
from bifrost.cli.commands import plan
from bifrost.cli.commands.test import run_files
from bifrost.cli.main import COMMANDS, HELP, app
from bifrost.default_settings import PORTS
from bifrost.deployer.checks.validate import validate
from bifrost.deployer.declared.declarations import DeclaredTopic
from bifrost.deployer.declared.files import TOPIC_FIELDS, read_connectors, read_subjects, read_topics
from bifrost.deployer.targets import TABLES
from bifrost.engine.functions.udf import registry_of
from bifrost.errors import EX_CONFIG
from bifrost.settings import PROJECT, Settings
from bifrost.sql.parser import Dialect, parse_script
from services.delivery.slack import escape, shorten
from tests.test_env_example import EXAMPLE, example

FOLDERS_OF_DECLARATIONS = ("alerts", "connectors", "dashboards", "data", "ksql", "services", "topics")
PAGES = (
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
)
SETTINGS_PAGE = PROJECT / "docs" / "reference" / "settings.md"


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    text = text_of(PROJECT / page)
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced samples of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.DOTALL | re.MULTILINE)


def samples(language: str) -> list[Any]:
    return [
        pytest.param(block, id=f"{path.relative_to(PROJECT)}-{number}")
        for path in PAGES
        for number, block in enumerate(blocks(path, language), 1)
    ]


@cache
def command_lines() -> tuple[tuple[str, str], ...]:
    """Page and text of every indented command; it ends with its line unless a quote or backslash continues it."""
    found = []
    for path in PAGES:
        command = ""
        for line in re.sub(r"^```.*?^```", "", text_of(path), flags=re.DOTALL | re.MULTILINE).splitlines():
            if command or re.match(r" {4,}\S", line):
                command = f"{command}\n{line}".strip()
                if command.endswith("\\"):
                    command = command[:-1]
                elif command.partition(" #")[0].count("'") % 2 == 0:
                    found.append((str(path.relative_to(PROJECT)), command))
                    command = ""
    return tuple(found)


def lines_with(program: str) -> list[Any]:
    return [pytest.param(line, id=f"{page}: {line[:60]}") for page, line in command_lines() if program in line]


def commands() -> dict[str, Any]:
    group: Any = get_command(app)
    context = group.context_class(group)
    return {name: group.resolve_command(context, [name])[1] for name in group.commands}


def inline_commands() -> list[Any]:
    """Commands inside of sentences: `scripts/deploy.py status`."""
    found = ((path, line) for path in PAGES for line in re.findall(r"`(scripts/deploy\.py [^`]+)`", text_of(path)))
    return [pytest.param(line, id=f"{path.relative_to(PROJECT)}: {line}") for path, line in found]


@pytest.mark.parametrize("line", [*lines_with("scripts/deploy.py"), *inline_commands()])
def test_every_command_line_is_accepted_by_the_command(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    _, _, arguments = line.partition("scripts/deploy.py")
    name, *rest = shlex.split(arguments, comments=True)
    if name == "--env":
        _, name, *rest = rest
    if name in ("--version", "--help", "COMMAND"):
        return
    known = commands()
    assert name in known
    with known[name].make_context(name, rest):
        pass


def test_the_reference_lists_exactly_the_commands() -> None:
    listed = re.findall(r"^## ([a-z-]+)$", text_of(PROJECT / "docs" / "reference" / "commands.md"), re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_lists_exactly_the_options_of_a_command(name: str) -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", section("docs/reference/commands.md", name), re.MULTILINE)
    listed = {option for row in rows for option in re.findall(r"`(-[\w-]+)", row)}
    everywhere = {"--target", "--env"}
    parameters = [parameter for parameter in commands()[name].params if everywhere.isdisjoint(parameter.opts)]
    options = {option for parameter in parameters for option in parameter.opts if option.startswith("-")}
    arguments = {parameter.name.upper() for parameter in parameters if not parameter.opts[0].startswith("-")}
    assert listed == options
    assert {name for row in rows for name in re.findall(r"^`([A-Z]+)`", row)} == arguments


def test_the_reference_names_the_exit_codes_of_the_code() -> None:
    text = section("docs/reference/commands.md", "Exit codes")
    assert re.findall(r"^\| (\d) \|", text, re.MULTILINE) == ["0", "1", "2", str(plan.CHANGES_PLANNED)]
    assert f"and {EX_CONFIG} if" in " ".join(text.split())
    assert all(
        code in " ".join(HELP.split())
        for code in ("0 done", "1 an error", "2 wrong usage", f"{plan.CHANGES_PLANNED} `plan`")
    )


def test_the_reference_names_the_generators_of_demo() -> None:
    (argument,) = [parameter for parameter in commands()["demo"].params if parameter.name == "pipeline"]
    named = re.findall(r"`(\w+)`", section("docs/reference/commands.md", "demo").split("`PIPELINE`")[1].split("|")[1])
    assert all(name in argument.help for name in named)
    assert len(named) == argument.help.count(",") + 1


def test_the_table_of_pipelines_lists_exactly_the_pipelines() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section("README.md", "Pipelines"), re.MULTILINE)
    declared = {path.name for path in (PROJECT / "connectors").iterdir()}
    declared |= {path.stem for path in (PROJECT / "topics").glob("*.json")}
    assert set(listed) == declared


def links() -> Iterator[Any]:
    for path in PAGES:
        for target in dict.fromkeys(re.findall(r"\]\(([^)\s]+)\)", text_of(path))):
            if not target.startswith(("http:", "https:")):
                yield pytest.param(path, target, id=f"{path.relative_to(PROJECT)}: {target}")


@pytest.mark.parametrize(("path", "target"), list(links()))
def test_links_lead_to_a_file_and_a_heading(path: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    assert file.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", text_of(file), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_links_every_page() -> None:
    index = PROJECT / "docs" / "README.md"
    linked = {(index.parent / name).resolve() for name in re.findall(r"\]\(([^)#]+\.md)", text_of(index))}
    assert set((PROJECT / "docs").rglob("*.md")) - {index} <= linked


def test_addresses_have_the_default_ports() -> None:
    ports = {int(port) for path in PAGES for port in re.findall(r"127\.0\.0\.1:(\d+)", text_of(path))}
    assert ports <= set(PORTS.values())


def test_the_table_of_addresses_is_that_of_the_embedded_target(tmp_path: Path) -> None:
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \|", text_of(PROJECT / "docs/how-to/clients.md"), re.MULTILINE)
    endpoints = Settings({"BIFROST_HOME": str(tmp_path)}).endpoints.as_json()
    # The inbox simulates Slack and Telegram at the console's address.
    assert set(rows) == {url for name, url in endpoints.items() if url and name not in ("console", "slack", "telegram")}


@pytest.mark.parametrize("line", lines_with("python -m "))
def test_every_program_exists_and_has_its_options(line: str) -> None:
    _, module, *rest = re.split(r"python -m (\S+)", line, maxsplit=1)
    (arguments,) = rest
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", arguments.partition("#")[0]))
    spec = find_spec(module) or pytest.fail(f"no module {module}")
    folder = Path(spec.origin or "").parent
    sources = folder.glob("*.py") if spec.submodule_search_locations else [Path(spec.origin or "")]
    text = "".join(path.read_text() for path in sources)
    assert {option for option in options if f'"{option}"' not in text} == set()


def test_every_benchmark_is_listed() -> None:
    listed = re.findall(
        r"^\| `python -m benchmarks\.(\w+)`", text_of(PROJECT / "docs/how-to/benchmarks.md"), re.MULTILINE
    )
    folder = PROJECT / "benchmarks"
    modules = {path.stem for path in folder.glob("*.py") if "__main__" in path.read_text()}
    assert set(listed) == modules | {path.parent.name for path in folder.glob("*/__main__.py")}


@pytest.mark.parametrize("line", lines_with("curl "))
def test_bodies_of_requests_are_json(line: str) -> None:
    arguments = shlex.split(line)
    body = next((value for flag, value in pairwise(arguments) if flag == "-d"), None)
    if body is not None:
        assert json.loads(body)
        assert any(argument.startswith("Content-Type: application/") for argument in arguments)


@pytest.mark.parametrize("line", lines_with("make "))
def test_every_make_target_exists(line: str) -> None:
    _, target = shlex.split(line, comments=True)[:2]
    assert re.search(rf"^{target}:.* ## ", text_of(PROJECT / "Makefile"), re.MULTILINE)


@pytest.mark.parametrize("line", lines_with("scripts/test"))
def test_every_option_of_the_test_command_exists(line: str) -> None:
    options = re.findall(r"--\w+", line.partition("#")[0])
    assert all(f'"{option}"' in text_of(PROJECT / "scripts" / "test") for option in options)


def settings_table() -> str:
    """The tables of the settings page, from `.env.example`."""
    lines = ["| setting | meaning | default |", "|---|---|---|"]
    found: list[str] = []
    meaning: list[str] = []
    for line in text_of(EXAMPLE).splitlines():
        if title := re.fullmatch(r"# --- (.*?) -+", line):
            heading = title[1][0].upper() + title[1][1:]
            found += ["", f"## {heading}", "", *lines]
        elif setting := re.fullmatch(r"#([A-Z0-9_]+)=(.*)", line):
            default = f"`{setting[2]}`" if setting[2] else ""
            found.append(f"| `{setting[1]}` | {' '.join(meaning)} | {default} |")
        meaning = [*meaning, line.removeprefix("# ")] if line.startswith("# ") else []
    return "\n".join(found) + "\n"


def test_the_settings_page_lists_every_setting(request: pytest.FixtureRequest) -> None:
    head, _, tables = text_of(SETTINGS_PAGE).partition("\n## ")
    if request.config.getoption("--update-golden"):
        SETTINGS_PAGE.write_text(head + settings_table(), encoding="utf-8")
        return
    assert f"\n## {tables}" == settings_table(), "run `make golden` after a change of .env.example"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_setting_that_a_page_names_exists(path: Path) -> None:
    prefixes = "BIFROST|KAFKA|CONNECT|SCHEMA_REGISTRY|KSQLDB|SLACK|TELEGRAM|SYSLOG|REST_PROXY|ORDERS|S3|KIBANA"
    words = rf"`((?:{prefixes})_[A-Z0-9_]+)"
    streams = {"SYSLOG_ENRICHED", "SYSLOG_LOGINS", "SYSLOG_LOGIN_ATTACKS"}
    assert set(re.findall(words, text_of(path))) - streams - set(example()) == set()


@pytest.mark.parametrize("block", samples("sql"))
def test_every_statement_parses(block: str) -> None:
    assert parse_script(block, dialect=Dialect.TESTS if "--@test" in block else Dialect.SERVER)


@pytest.mark.parametrize("block", samples("toml"))
def test_every_toml_sample_parses(block: str) -> None:
    assert tomllib.loads(block)


@pytest.mark.parametrize("block", samples("python"))
def test_every_function_sample_can_be_loaded(block: str, tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(block)
    before = set(registry_of(tmp_path / "empty").names())
    assert set(registry_of(tmp_path).names()) - before == set(re.findall(r'scalar\(\s*"(\w+)"', block))


@pytest.mark.parametrize("block", samples("json"))
def test_every_json_sample_parses(block: str) -> None:
    assert json.loads(block)


@pytest.mark.parametrize("line", lines_with("deploy.py ksql -e"))
def test_every_query_fits_the_declared_streams(line: str, tmp_path: Path) -> None:
    statement = shlex.split(line, comments=True)[-1]
    for name in ("customers.sql", "ratings.sql"):
        shutil.copy(PROJECT / "ksql" / name, tmp_path)
    scripts = "RUN SCRIPT 'customers.sql';\nRUN SCRIPT 'ratings.sql';"
    (tmp_path / "query.sql").write_text(f"--@test: the query\n{scripts}\n{statement}\n")

    (results,) = run_files(Settings({}), [tmp_path / "query.sql"]).values()
    assert [result.problem for result in results] == [None]


def test_the_test_file_of_the_guide_passes(tmp_path: Path) -> None:
    (sample,) = blocks(PROJECT / "docs" / "how-to" / "test-statements.md", "sql")
    (tmp_path / "guide.sql").write_text(sample)

    (results,) = run_files(Settings({}), [tmp_path / "guide.sql"]).values()
    assert [result.problem for result in results] == [None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in FOLDERS_OF_DECLARATIONS:
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    return tmp_path


def test_the_alert_of_the_tutorial_works_as_written(project: Path) -> None:
    tutorial = PROJECT / "docs" / "tutorial.md"
    (statement,) = blocks(tutorial, "sql")
    alert, quiet = blocks(tutorial, "toml")
    (path,) = re.findall(r"a\s+file\s+`(alerts/\S+)`", text_of(tutorial))
    before = validate(project, TABLES["embedded"])
    with (project / "ksql" / "patterns.sql").open("a") as statements:
        statements.write(statement)
    zone, hours = quiet.split("\n\n")
    (project / path).write_text(f"{zone}\n{alert}\n{hours}")

    assert validate(project, TABLES["embedded"]) == before
    payment = {"USER_ID": 7, "TOTAL": 1234.5, "COUNTRY": None}
    message = read_alert(project / path).template.render(
        payment, escape=escape, shorten=shorten, length=len, limit=1_000
    )
    assert message == "1,234.50 from somewhere, user 7"


def test_the_reference_of_alerts_names_exactly_their_keys(tmp_path: Path) -> None:
    page = PROJECT / "docs" / "reference" / "alerts.md"
    listed = re.findall(r"^\| `([a-z.]+)` \|", text_of(page), re.MULTILINE)
    (tmp_path / "wrong.toml").write_text('unknown = ""')
    with pytest.raises(Exception, match="unknown key unknown") as error:
        read_alert(tmp_path / "wrong.toml")
    (known,) = re.findall(r"[\w.]+(?:, [\w.]+)+$", str(error.value))
    # `once.by` stands for the table `once`; a key that has dots is known as such.
    keys = set(known.split(", "))
    assert {name if name in keys else name.partition(".")[0] for name in listed} == keys
    (sample,) = blocks(page, "toml")
    (tmp_path / "sample.toml").write_text(sample)
    assert read_alert(tmp_path / "sample.toml").quiet is not None


@pytest.mark.parametrize(
    "form", re.findall(r"^\| `(\{[A-Z].*?\})` \|", text_of(PROJECT / "docs/reference/alerts.md"), re.MULTILINE)
)
def test_every_form_of_a_template_is_accepted(form: str) -> None:
    assert Template.parse(form.replace("\\|", "|"), ZoneInfo("UTC")).fields


def test_the_samples_of_declarations_are_read(tmp_path: Path) -> None:
    page = PROJECT / "docs" / "reference" / "declarations.md"
    connector, topics, schema = blocks(page, "json")
    (tmp_path / "connectors" / "orders").mkdir(parents=True)
    (tmp_path / "connectors" / "orders" / "mysql.json").write_text(connector)
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "orders.json").write_text(topics)
    (tmp_path / "orders-key.avsc").write_text(schema)

    assert read_connectors(tmp_path / "connectors")[0].name == "mysql"
    (topic,) = read_topics(tmp_path / "topics")
    assert isinstance(topic, DeclaredTopic)
    assert read_subjects(tmp_path, [topic])[0].topic is topic
    listed = re.findall(r"^\| `([a-z.]+)` \|", text_of(page), re.MULTILINE)
    assert sorted(listed) == sorted(TOPIC_FIELDS)


def test_the_devices_of_the_bots_examples_are_in_the_demo_data() -> None:
    table = text_of(PROJECT / "docs" / "how-to" / "telegram-bot.md")
    users = json.loads(text_of(PROJECT / "data" / "mongodb" / "ace.user.json"))
    names = {
        f"{user['name']} ({user['hostname']})": user["mac"] for user in users if {"name", "hostname"} <= user.keys()
    }
    address, name = re.findall(r"^\| `([^/`]+)` \|", table, re.MULTILINE)
    assert names[name] == address
    frames = (PROJECT / "data" / "wifi" / "house.pcap").read_bytes()
    assert bytes.fromhex(address.replace(":", "")) in frames
