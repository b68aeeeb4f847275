"""Secrets that are planted in every secret setting appear in no output and no file, whatever fails."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bifrost.cli import options
from bifrost.clients.connect import ConnectClient
from bifrost.clients.http import BasicAuth, Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.schema_registry import SchemaRegistryClient
from bifrost.redaction import REDACTED, is_secret
from bifrost.settings import PROJECT, Settings
from tests.cli.conftest import Outcome, Run
from tests.deployer.conftest import Fakes, Project
from tests.fakes.http_server import Fault

NAMES = [
    name
    for name in re.findall(r"^#?([A-Z0-9_]+)=", (PROJECT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    if is_secret(name)
]
PLANTED: Mapping[str, str] = {name: f"Pl4nted/{number}+{name.lower()}=" for number, name in enumerate(NAMES)}
LEAK = "; ".join(f"refused {value} of {name.lower()}" for name, value in PLANTED.items())
"""What a careless system writes into its errors."""
UP = ("up", "--no-demo", "--yes")


def spellings(secret: str) -> tuple[str, ...]:
    return secret, base64.b64encode(f"user:{secret}".encode()).decode(), secret.replace("/", "%2F").replace("+", "%2B")


def leaks(text: str) -> set[str]:
    return {name for name, secret in PLANTED.items() if any(spelling in text for spelling in spellings(secret))}


@pytest.fixture
def planted(project: Project, fakes: Fakes, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs commands with the planted settings; the clients sign in with them."""
    values = {**PLANTED, "BIFROST_HOME": str(project.root / "home"), "COLUMNS": "200"}
    monkeypatch.setattr(options.configuration, "load", lambda environment="": Settings(values, project.root))
    fakes.connect.variables |= values
    fakes.connect.variables["MYSQL_HOST"] = f"db:{PLANTED['MYSQL_PASSWORD']}@example"

    def to(part: str, system: str, busy: frozenset[int]) -> Connection:
        auth = BasicAuth("user", PLANTED[f"{system}_PASSWORD"])
        return Connection(part, fakes.servers[part].url, auth, clock=fakes.clock, busy=busy, secrets=values)

    assert fakes.platform is not None
    fakes.platform = replace(
        fakes.platform,
        connect=ConnectClient(to("connect", "CONNECT", frozenset({409, 503}))),
        ksqldb=KsqlClient(to("ksqldb", "KSQLDB", frozenset({503}))),
        registry=SchemaRegistryClient(to("registry", "SCHEMA_REGISTRY", frozenset({503}))),
    )
    with fakes.platform:
        yield run


def no_fault(fakes: Fakes) -> None:
    """Everything works."""


def connect_refuses(fakes: Fakes) -> None:
    fakes.servers["connect"].faults.append(Fault("PUT", "/connectors/.*", 400, {"message": LEAK}, times=9))


def connect_fails(fakes: Fakes) -> None:
    fakes.servers["connect"].faults.append(Fault("PUT", "/connectors/.*", 500, {"message": LEAK}, times=9))


def a_check_fails(fakes: Fakes) -> None:
    fakes.connect.errors["database.hostname"] = LEAK


def a_task_fails(fakes: Fakes) -> None:
    fakes.connect.on_put = lambda name: fakes.connect.traces.update({name: f"A: a\nCaused by: SQLException: {LEAK}"})


def ksqldb_refuses(fakes: Fakes) -> None:
    fault = Fault("POST", "/ksql", 400, {"message": LEAK, "statementText": LEAK}, times=99)
    written = fakes.connect.on_put

    def arm(name: str) -> None:
        written(name)
        fakes.servers["ksqldb"].faults.append(fault)

    fakes.connect.on_put = arm


def the_registry_fails(fakes: Fakes) -> None:
    fakes.servers["registry"].faults.append(Fault("POST", "/subjects/.*", 500, {"message": LEAK}, times=9))


def nothing_is_json(fakes: Fakes) -> None:
    fakes.servers["connect"].faults.append(Fault("GET", "/connectors", 502, LEAK, times=9))


FAULTS = (
    no_fault,
    connect_refuses,
    connect_fails,
    a_check_fails,
    a_task_fails,
    ksqldb_refuses,
    the_registry_fails,
    nothing_is_json,
)
COMMANDS = (
    ("plan",),
    ("plan", "--json"),
    UP,
    ("status",),
    ("status", "--json"),
    ("diff", "mysql-demo-customers"),
    ("describe", "mysql-demo-customers"),
    ("plan", "--json"),
    (*UP, "--json"),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_secret_is_in_no_output_and_in_no_file(
    planted: Run, project: Project, fakes: Fakes, fault: Callable[[Fakes], None]
) -> None:
    saved = project.root / "saved.plan"
    planted("plan", "--out", str(saved))
    fault(fakes)

    outcomes: list[Outcome] = [planted(*command) for command in COMMANDS]

    found = {command: leaks(done.out + done.err) for command, done in zip(COMMANDS, outcomes, strict=True)}
    assert {command: names for command, names in found.items() if names} == {}
    if fault is not no_fault:
        assert any(REDACTED in done.out + done.err for done in outcomes)
    assert {path: names for path in files(project.root) if (names := leaks(path.read_text("utf-8", "replace")))} == {}
    if saved.exists():
        assert saved.stat().st_mode & 0o077 == 0


def test_the_planted_secrets_are_in_use(planted: Run, fakes: Fakes) -> None:
    assert len(PLANTED) >= 12
    assert leaks(LEAK) == set(PLANTED)
    assert planted(*UP).code == 0
    sent = {
        request.headers.get("Authorization", "") for server in fakes.servers.values() for request in server.requests
    }
    assert {name for header in sent for name in leaks(header)} == {
        "CONNECT_PASSWORD",
        "KSQLDB_PASSWORD",
        "SCHEMA_REGISTRY_PASSWORD",
    }


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
