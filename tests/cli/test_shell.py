"""`ksql`: statements in, tables or JSON out."""

import io
import json

import pytest

from bifrost.cli.commands import ksql as shell
from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running

HEADER = b'{"queryId":"q","columnNames":["ID","TAGS"],"columnTypes":["STRING","ARRAY<STRING>"]}\n'
ROWS = HEADER + b'["a",["x","y"]]\n["b",null]\n'
STREAMS = [{"@type": "streams", "statementText": "LIST", "streams": [{"name": "A", "topic": "a"}], "warnings": []}]


@pytest.fixture
def server():
    def respond(request):
        if request.path == "/query-stream":
            return Answer(200, chunks=(ROWS,))
        return Answer(200, STREAMS)

    with running(FakeServer(respond)) as fake:
        yield fake


@pytest.fixture
def ksql(run, server, monkeypatch):
    def client(settings):
        return KsqlClient(Connection("ksqlDB", server.url, clock=FakeClock()))

    monkeypatch.setattr(shell.ksqldb, "from_settings", client)
    return lambda *arguments: run("ksql", *arguments)


def test_a_listing_as_a_table(ksql):
    assert ksql("-e", "SHOW STREAMS;").out == "name  topic\nA     a\n"


def test_a_statement_may_lack_its_end(ksql):
    assert ksql("-e", "show streams").code == 0


def test_a_pull_query_as_a_table_and_as_json(ksql):
    assert ksql("-e", "SELECT * FROM A;").out == 'ID  TAGS\na   ["x", "y"]\nb\n'

    lines = ksql("-e", "SELECT * FROM A;", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"ID": "a", "TAGS": ["x", "y"]}, {"ID": "b", "TAGS": None}]


def test_a_push_query_prints_rows_as_they_come(ksql):
    assert ksql("-e", "SELECT * FROM A EMIT CHANGES LIMIT 2;").out == 'ID | TAGS\na | ["x", "y"]\nb | \n'


def test_set_and_define_hold_for_what_follows(ksql, server):
    ksql("-e", "SET 'auto.offset.reset'='earliest'; DEFINE s = 'A'; SELECT * FROM ${s};")

    assert server.requests[0].body == {
        "sql": "SELECT * FROM A;",
        "properties": {"auto.offset.reset": "earliest"},
        "sessionVariables": {"s": "A"},
    } or server.requests[0].body["sql"] in ("SELECT * FROM A;", "SELECT * FROM ${s};")


def test_statements_from_stdin(ksql, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("SHOW STREAMS;\nSHOW STREAMS;"))

    assert ksql().out.count("name  topic") == 2


def test_an_error_of_the_server_and_of_the_language(ksql, server):
    server.faults.append(Fault("POST", "/ksql", 400, {"message": "NOPE does not exist."}))
    found = ksql("-e", "DESCRIBE NOPE;")
    assert (found.code, "NOPE does not exist." in found.err) == (1, True)

    found = ksql("-e", "SELEC 1;")
    assert (found.code, "line 1:1" in found.err) == (1, True)


def test_statements_that_only_the_shell_knows(ksql, project):
    project.write("script.sql", "SHOW STREAMS;")
    target = project.root / "out.txt"

    found = ksql("-e", f"SPOOL '{target}'; RUN SCRIPT '{project.root}/script.sql'; SPOOL OFF;")

    assert found.out.count("name  topic") == 1
    assert target.read_text() == "name  topic\nA     a\n"
