"""`.env.example` tells of every setting, and of nothing that is none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bifrost.alerts import read_alerts
from bifrost.settings import LOCAL_DEFAULTS, PORTS, PROJECT, read_dotenv

EXAMPLE = PROJECT / ".env.example"
READERS = {"get", "require", "local", "_folder"}
BELONGS_TO_THE_SYSTEM = {"PATH", "PYTHONPATH"}
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def sources() -> Iterator[ast.AST]:
    for folder in ("bifrost", "services", "capture", "scripts"):
        for path in (PROJECT / folder).rglob("*.py"):
            yield ast.parse(path.read_text(encoding="utf-8"))


def is_about_settings(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in READERS:
        return False
    return ast.unparse(call.func.value).split(".")[-1].strip("_") in {"self", "settings", "values"}


def names_read() -> Iterator[str]:
    for tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first = node.args[0]
            if is_about_settings(node) and isinstance(first, ast.Constant) and NAME.fullmatch(str(first.value)):
                yield str(first.value)
            elif ast.unparse(node.func).endswith("basic_auth") and isinstance(node.args[-1], ast.Constant):
                yield from (f"{node.args[-1].value}_USER", f"{node.args[-1].value}_PASSWORD")


def names_named_in_settings() -> Iterator[str]:
    for node in ast.walk(ast.parse((PROJECT / "bifrost" / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield node.value


def settings_of_the_code() -> set[str]:
    ports = {f"BIFROST_PORT_{part.upper()}" for part in PORTS}
    alerts = {alert.choice for alert in read_alerts(PROJECT / "alerts", pytest.fail) if alert.choice}
    return {*names_read(), *names_named_in_settings(), *ports, *alerts} - BELONGS_TO_THE_SYSTEM


def example() -> dict[str, str]:
    """Value by name, with the line that explains it."""
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


def test_nothing_is_explained_that_is_no_setting():
    assert set(example()) - settings_of_the_code() == set()


def test_the_defaults_are_those_of_the_code():
    told = example()

    assert {part: told[f"BIFROST_PORT_{part.upper()}"] for part in PORTS} == {p: str(n) for p, n in PORTS.items()}
    assert told["MYSQL_USER"] == LOCAL_DEFAULTS["MYSQL_USER"]
    assert told["MYSQL_APP_USER"] == LOCAL_DEFAULTS["MYSQL_APP_USER"]
    assert told["POSTGRES_USER"] == LOCAL_DEFAULTS["POSTGRES_USER"]
    assert told["POSTGRES_APP_USER"] == LOCAL_DEFAULTS["POSTGRES_APP_USER"]


def test_it_sets_nothing_and_holds_no_secret():
    assert read_dotenv(EXAMPLE) == {}
    assert all(not value for name, value in example().items() if re.search("PASSWORD|TOKEN", name))
