"""`.env.example` explains every setting of the code, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from bifrost.alerts import read_alerts
from bifrost.clients.access import PREFIXES, TLS_PREFIXES, WITH_API_KEY
from bifrost.default_settings import LOCAL_DEFAULTS, PORTS
from bifrost.dotenv import read_dotenv
from bifrost.settings import PROJECT

EXAMPLE = PROJECT / ".env.example"
FOLDERS = ("bifrost", "services", "capture", "scripts")
READERS = {"get", "require", "local", "_folder"}
BELONGS_TO_THE_SYSTEM = {"PATH", "PYTHONPATH"}
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


@cache
def calls() -> list[ast.Call]:
    """Every call with arguments in the sources that read settings."""
    paths = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return [node for node in nodes if isinstance(node, ast.Call) and node.args]


def is_about_settings(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in READERS:
        return False
    return ast.unparse(call.func.value).split(".")[-1].strip("_") in {"self", "settings", "values"}


def names_read() -> Iterator[str]:
    for call in calls():
        first = call.args[0]
        if is_about_settings(call) and isinstance(first, ast.Constant) and NAME.fullmatch(str(first.value)):
            yield str(first.value)
    for prefix in TLS_PREFIXES:
        yield from (f"{prefix}_{part}_LOCATION" for part in ("CA", "CERTIFICATE", "KEY"))
    for prefix in PREFIXES:
        yield from (f"{prefix}_{part}" for part in ("USER", "PASSWORD", "TOKEN"))
    yield from (f"{prefix}_API_KEY" for prefix in WITH_API_KEY)


def names_in_settings_module() -> Iterator[str]:
    for node in ast.walk(ast.parse((PROJECT / "bifrost" / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield node.value


def settings_of_the_code() -> set[str]:
    ports = {f"BIFROST_PORT_{part.upper()}" for part in PORTS}
    alerts = {alert.channel_setting for alert in read_alerts(PROJECT / "alerts", pytest.fail)} - {""}
    return {*names_read(), *names_in_settings_module(), *ports, *alerts} - BELONGS_TO_THE_SYSTEM


def example() -> dict[str, str]:
    """The default by name; every setting must have a line of explanation above it."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    found = {}
    for before, line in pairwise(lines):
        match = re.fullmatch(r"#([A-Z0-9_]+)=(.*)", line)
        if match:
            assert re.match(r"# [^-].*\.$", before), f"{match[1]} is not explained"
            found[match[1]] = match[2]
    return found


def test_every_setting_is_explained():
    assert settings_of_the_code() - set(example()) == set()


def test_every_explained_setting_exists():
    assert set(example()) - settings_of_the_code() == set()


def test_the_defaults_are_those_of_the_code():
    defaults = example()

    assert {part: defaults[f"BIFROST_PORT_{part.upper()}"] for part in PORTS} == {p: str(n) for p, n in PORTS.items()}
    assert defaults["MYSQL_USER"] == LOCAL_DEFAULTS["MYSQL_USER"]
    assert defaults["MYSQL_APP_USER"] == LOCAL_DEFAULTS["MYSQL_APP_USER"]
    assert defaults["POSTGRES_USER"] == LOCAL_DEFAULTS["POSTGRES_USER"]
    assert defaults["POSTGRES_APP_USER"] == LOCAL_DEFAULTS["POSTGRES_APP_USER"]


def test_it_sets_nothing_and_holds_no_secret():
    assert read_dotenv(EXAMPLE) == {}
    assert all(not value for name, value in example().items() if re.search("PASSWORD|TOKEN", name))
