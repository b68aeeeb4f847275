"""Commands run in this process, on a small project, against fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bifrost.cli import bringing_up, options, planning, projects, state_commands
from bifrost.cli.commands import describe, dlq, doctor, lag, offsets, status, top
from bifrost.cli.commands import ksql as ksql_command
from bifrost.cli.main import main
from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.settings import Settings
from tests.deployer.conftest import fakes, project
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, running
from tests.fakes.records import FakeRecords

__all__ = ["fakes", "project"]


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Outcome]


@pytest.fixture
def run(project, fakes, monkeypatch, capsys) -> Run:
    """Runs a command line: `run("plan", "--json")`."""
    values = {"BIFROST_HOME": str(project.root / "home"), "COLUMNS": "200"}
    monkeypatch.setattr(
        options.configuration,
        "load",
        lambda environment="": Settings(values | {"BIFROST_ENV": environment}, project.root),
    )

    @contextmanager
    def platform(settings: Settings, **_options: object) -> Iterator[object]:
        yield fakes.platform

    for module in (planning, bringing_up, status, state_commands, projects, dlq, doctor, lag, offsets, top):
        monkeypatch.setattr(module, "open_platform", platform)
    for module in (planning, bringing_up, state_commands, projects, offsets, top):
        monkeypatch.setattr(module, "SystemClock", lambda: fakes.clock)
    monkeypatch.setattr(describe.kafka, "admin", lambda settings: fakes.kafka)
    records = FakeRecords(fakes.kafka)
    monkeypatch.setattr(dlq, "record_store", lambda settings: (records, fakes.replayed))
    monkeypatch.setattr(doctor, "record_store", lambda settings: (records, fakes.replayed))
    monkeypatch.setattr(lag, "record_reader", lambda settings: records)
    fakes.records = records
    monkeypatch.setattr(bringing_up.launch, "start_platform", lambda settings, **options: settings)

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        return Outcome(int(caught.value.code or 0), captured.out, captured.err)

    return command


HEADER = b'{"queryId":"q","columnNames":["ID","TAGS"],"columnTypes":["STRING","ARRAY<STRING>"]}\n'
ROWS = HEADER + b'["a",["x","y"]]\n["b",null]\n'
STREAMS = [{"@type": "streams", "statementText": "LIST", "streams": [{"name": "A", "topic": "a"}], "warnings": []}]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """ksqlDB with one stream, whose queries all have the same rows."""

    def respond(request):
        if request.path == "/query-stream":
            return Answer(200, chunks=(ROWS,))
        return Answer(200, STREAMS)

    with running(FakeServer(respond)) as fake:
        yield fake


@pytest.fixture
def ksql(run: Run, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `ksql` against the server."""

    def client(settings):
        return KsqlClient(Connection("ksqlDB", server.url, clock=FakeClock()))

    monkeypatch.setattr(ksql_command.ksqldb, "from_settings", client)
    return lambda *arguments: run("ksql", *arguments)
