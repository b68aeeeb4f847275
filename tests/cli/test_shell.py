"""`ksql`: statements in, tables or JSON out."""

import fcntl
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from bifrost.cli.commands import ksql as shell
from bifrost.cli.output import Screen
from bifrost.cli.shell.help_texts import COMMANDS, STATEMENTS
from bifrost.cli.shell.results import show_entity
from bifrost.cli.shell.rows import RowLayout, layout
from bifrost.cli.shell.shell import Shell
from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.settings import PROJECT
from bifrost.sql.tree import Statement
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running
from tests.waiting import eventually

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
    assert ksql("-e", "SELECT * FROM A;").out == 'ID  TAGS\na   ["x", "y"]\nb   null\n'

    lines = ksql("-e", "SELECT * FROM A;", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"ID": "a", "TAGS": ["x", "y"]}, {"ID": "b", "TAGS": None}]


def test_a_push_query_prints_aligned_rows_as_they_come(ksql):
    found = ksql("-e", "SET CLI COLUMN-WIDTH 12;", "-e", "SELECT * FROM A EMIT CHANGES LIMIT 2;")

    assert (
        found.out
        == """\
CLI COLUMN-WIDTH is 12.
+------------+------------+
|ID          |TAGS        |
+------------+------------+
|a           |["x", "y"]  |
|b           |null        |
"""
    )


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


def test_errors_have_ksqldbs_message_only_and_the_place_marked(ksql, server):
    body = {"message": "line 1:15: Syntax Error\nMissing ')' at 'FORM'"}
    server.faults.append(Fault("POST", "/query-stream", 400, body))

    found = ksql("-e", "SELECT COUNT(* FORM A EMIT CHANGES;")
    assert found.code == 1
    assert "ksqlDB: POST" not in found.err
    assert "400" not in found.err
    assert found.err.startswith("error: line 1:")

    server.faults.append(Fault("POST", "/ksql", 400, {"message": "line 2:13: Column 'N' cannot be resolved"}))
    found = ksql("-e", "CREATE STREAM X AS\n  SELECT A, NOPE FROM A;")
    assert found.err.splitlines()[-2:] == ["    SELECT A, NOPE FROM A;", "              ^^^^"]


def test_an_error_of_the_language_is_marked(ksql):
    found = ksql("-e", "SHOW STREAMS; SELEC 1;")
    assert found.err.splitlines()[-2:] == ["  SHOW STREAMS; SELEC 1;", "                ^^^^^"]


def test_a_server_that_does_not_answer_is_named(ksql, server):
    server.faults.append(Fault("POST", "/ksql", hang_up=True, times=9))
    assert "ksqlDB: POST /ksql: no answer from" in ksql("-e", "SHOW STREAMS;").err


@pytest.mark.parametrize("end", ["\\G", ";\\G", " \\g", ";\n\\G"])
def test_vertical_output(ksql, end):
    lines = ksql("-e", f"SELECT * FROM A{end}").out.splitlines()
    assert lines[0].startswith("-[ RECORD 1 ]-")
    assert lines[1:3] == ["ID   | a", 'TAGS | ["x", "y"]']
    assert lines[5] == "TAGS | null"


def test_output_is_set_for_what_follows(ksql):
    found = ksql("-e", "output json", "-e", "SELECT * FROM A;", "-e", "OUTPUT tabular;", "-e", "SHOW STREAMS;")
    lines = found.out.splitlines()
    assert json.loads(lines[1]) == {"ID": "a", "TAGS": ["x", "y"]}
    assert lines[-2:] == ["name  topic", "A     a"]

    found = ksql("-e", "output nosuch")
    assert (found.code, "nosuch is unknown; choose one of TABULAR, VERTICAL, JSON" in found.err) == (1, True)


@pytest.mark.parametrize("text", ["exit", "quit", "EXIT;", "  exit ; "])
def test_exit_ends_a_script(ksql, text):
    assert ksql("-e", text, "-e", "SHOW STREAMS;").out == ""


def test_commands_stand_between_the_statements_of_a_script(ksql, project, monkeypatch):
    script = "help exit\nSHOW\n STREAMS;\noutput\n"
    expected = ["EXIT", "  End the shell (also quit, or Ctrl-D).", "    exit", "", "name  topic", "A     a"]
    expected.append("Output: TABULAR (of TABULAR, VERTICAL, JSON)")
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    assert ksql().out.splitlines() == expected

    project.write("script.sql", script)
    assert ksql("-e", f"RUN SCRIPT '{project.root}/script.sql';").out.splitlines() == expected


def test_version_and_server(ksql, server):
    answer = {"KsqlServerInfo": {"version": "7.6.0", "ksqlServiceId": "x", "serverStatus": "RUNNING"}}
    server.faults += [Fault("GET", "/info", 200, answer, times=2)]
    found = ksql("-e", "version", "-e", "server")
    assert "ksqlDB 7.6.0" in found.out
    assert "service x, RUNNING" in found.out


@pytest.mark.parametrize("value", ["ON", "off"])
def test_set_cli_wrap(ksql, value):
    found = ksql("-e", "set cli column-width 6", "-e", f"SET CLI WRAP {value};", "-e", "SELECT * FROM A EMIT CHANGES;")
    assert ('|["x...|' in found.out) is (value == "off")
    assert ('|["x", |' in found.out) is (value == "ON")


def test_set_cli_refuses_what_it_does_not_know(ksql):
    assert "SET CLI: expected WRAP ON" in ksql("-e", "SET CLI WRAP maybe").err


class TestHelp:
    def test_every_statement_has_a_page(self):
        paged = {node for nodes, _, _ in STATEMENTS.values() for node in nodes}
        assert set(get_args(Statement)) == paged

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_a_page_shows_syntax_and_purpose(self, ksql, name):
        _, syntax, purpose = STATEMENTS[name]
        found = ksql("-e", f"help {name.lower()}").out
        assert purpose in found
        assert syntax.splitlines()[0] in found

    def test_the_list(self, ksql):
        found = ksql("-e", "help").out
        assert all(name in found for name in (*STATEMENTS, *COMMANDS))

    def test_list_is_show_and_a_longer_text_finds_its_statement(self, ksql):
        assert "List what exists." in ksql("-e", "help list streams").out
        assert "Remove a stream." in ksql("-e", "help drop stream if exists").out

    def test_an_unknown_topic(self, ksql):
        assert "No help for CREAT STREAM; did you mean CREATE STREAM?" in ksql("-e", "help creat stream").out


SOURCE = {
    "name": "ORDERS",
    "type": "TABLE",
    "windowType": "TUMBLING",
    "fields": [
        {"name": "ID", "type": "KEY", "schema": {"type": "INTEGER"}},
        {"name": "NOTE", "schema": {"type": "STRING"}},
        {"name": "LINES", "schema": {"type": "ARRAY", "memberSchema": {"type": "DOUBLE"}}},
    ],
    "keyFormat": "KAFKA",
    "valueFormat": "JSON",
    "topic": "orders",
    "partitions": 1,
    "replication": 1,
    "statement": "CREATE TABLE ORDERS ...;",
    "readQueries": [{"id": "CTAS_X_1", "state": "RUNNING", "queryString": "CREATE TABLE X\n AS ...;"}],
    "writeQueries": [],
    "clusterStatistics": [{"host": "h:8088", "name": "total-messages", "value": 3, "timestamp": 1700000000000}],
    "clusterErrorStats": [],
    "queryOffsetSummaries": [
        {
            "groupId": "g1",
            "topicSummaries": [
                {
                    "kafkaTopic": "orders",
                    "offsets": [{"partition": 0, "logStartOffset": 0, "logEndOffset": 9, "consumerOffset": 5}],
                }
            ],
        }
    ],
}


def shown(entity) -> list[str]:
    screen = Lines()
    show_entity(entity, screen)
    return [line.rstrip() for line in screen.said]


class Lines:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def test_describe():
    assert shown({"@type": "sourceDescription", "sourceDescription": {**SOURCE, "extended": False}}) == [
        "Name                 : ORDERS",
        " Field | Type",
        "----------------------------------------------------------------",
        " ID    | INTEGER          (primary key) (Window type: TUMBLING)",
        " NOTE  | VARCHAR(STRING)",
        " LINES | ARRAY<DOUBLE>",
        "----------------------------------------------------------------",
        "For runtime statistics and query details run: DESCRIBE <Stream,Table> EXTENDED;",
    ]


def test_describe_extended():
    lines = shown({"@type": "sourceDescription", "sourceDescription": {**SOURCE, "extended": True}})
    assert lines[:7] == [
        "Name                 : ORDERS",
        "Type                 : TABLE",
        "Timestamp field      : Not set - using <ROWTIME>",
        "Key format           : KAFKA",
        "Value format         : JSON",
        "Kafka topic          : orders (partitions: 1, replication: 1)",
        "Statement            : CREATE TABLE ORDERS ...;",
    ]
    assert "CTAS_X_1 (RUNNING) : CREATE TABLE X AS ...;" in lines
    assert " h:8088 | total-messages | 3.00  | 2023-11-14T22:13:20.000Z" in lines
    assert lines[-9:] == [
        "Consumer Group       : g1",
        "",
        "Kafka topic          : orders",
        "Max lag              : 4",
        "",
        " Partition | Start Offset | End Offset | Offset | Lag",
        "------------------------------------------------------",
        " 0         | 0            | 9          | 5      | 4",
        "------------------------------------------------------",
    ]


def test_describe_function():
    function = {
        "@type": "describe_function",
        "name": "LPAD",
        "description": "Pads a\n  text.",
        "author": "Confluent",
        "version": "",
        "path": "internal",
        "type": "SCALAR",
        "functions": [
            {
                "arguments": [
                    {"name": "input", "type": "VARCHAR", "description": "the text"},
                    {"name": "", "type": "INT", "description": "", "isVariadic": True},
                ],
                "returnType": "VARCHAR",
                "description": "Pads on the left.",
            }
        ],
    }
    assert shown(function) == [
        "Name        : LPAD",
        "Author      : Confluent",
        "Overview    : Pads a text.",
        "Type        : SCALAR",
        "Jar         : internal",
        "Variations  :",
        "",
        "\tVariation   : LPAD(input VARCHAR, INT[])",
        "\tReturns     : VARCHAR",
        "\tDescription : Pads on the left.",
        "\tinput       : the text",
    ]


def test_describe_connector():
    status = {
        "name": "C",
        "type": "source",
        "connector": {"state": "RUNNING", "worker_id": "w:8083"},
        "tasks": [{"id": 0, "state": "FAILED", "trace": "A: password=hunter22\n at x"}],
    }
    described = {"@type": "connector_description", "connectorClass": "x.Y", "status": status, "topics": ["t"]}
    assert shown(described) == [
        "Name                 : C",
        "Class                : x.Y",
        "Type                 : source",
        "State                : RUNNING",
        "WorkerId             : w:8083",
        "",
        " Task ID | State  | Error Trace",
        "----------------------------------------------",
        " 0       | FAILED | A: password=******** at x",
        "----------------------------------------------",
        "",
        "Related topics",
        "--------------",
        "t",
    ]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (
            {"@type": "connector_info", "info": {"name": "C", "config": {"database.password": "hunter22"}}},
            ["Created connector C"],
        ),
        ({"@type": "drop_connector", "connectorName": "C"}, ['Dropped connector "C"']),
        ({"@type": "terminate_query", "queryId": "Q_1", "wasTerminated": True}, ["Terminated query Q_1"]),
        ({"@type": "warning_entity", "message": "Connector C already exists"}, ["Connector C already exists"]),
        (
            {
                "@type": "type_list",
                "types": {
                    "T": {"type": "STRUCT", "fields": [{"name": "A", "schema": {"type": "INTEGER"}}]},
                    "N": {"type": "DECIMAL", "parameters": {"precision": 4, "scale": 2}},
                },
            },
            [
                " Type Name | Schema",
                "-------------------------------",
                " N         | DECIMAL(4, 2)",
                " T         | STRUCT<A INTEGER>",
                "-------------------------------",
            ],
        ),
        (
            {"@type": "assert_topic", "topicName": "t", "exists": True},
            ["topicName            t", "exists               true"],
        ),
    ],
)
def test_other_answers(entity, expected):
    assert shown(entity) == expected


def test_explain():
    query = {
        "id": "CSAS_X_1",
        "statementText": "CREATE STREAM X AS ...;",
        "fields": [],
        "sources": ["A"],
        "sinks": ["X"],
        "executionPlan": " > [ SINK ] | ...\n",
        "topology": "Topologies: ...",
        "overriddenProperties": {"auto.offset.reset": "earliest"},
        "ksqlHostQueryStatus": {"h:8088": "RUNNING"},
        "queryErrors": [{"timestamp": 1700000000000, "errorMessage": "no such topic"}],
        "statistics": [
            {"name": "lag_records", "labels": {"topic": "a"}, "value": 12345},
            {"name": "commit_seconds_sum", "labels": {}, "value": 0.25},
            {"name": "restarts_total", "labels": {}, "value": 0},
        ],
    }
    lines = shown({"@type": "queryDescription", "queryDescription": query})
    assert lines[:3] == [
        "ID                   : CSAS_X_1",
        "SQL                  : CREATE STREAM X AS ...;",
        "Host Query Status    : {h:8088=RUNNING}",
    ]
    for line in (" > [ SINK ] | ...", " auto.offset.reset | earliest", "2023-11-14T22:13:20.000Z no such topic"):
        assert line in lines
    assert any(line.split() == ["lag_records", "|", "a", "|", "12,345"] for line in lines)
    assert any(line.split() == ["commit_seconds_sum", "|", "|", "0.250"] for line in lines)
    assert "restarts_total" not in "".join(lines)


@pytest.mark.parametrize(
    ("value", "wraps", "expected"),
    [
        ("abc", True, ["|abc   |"]),
        ("abcdefgh", True, ["|abcdef|", "|gh    |"]),
        ("abcdefgh", False, ["|abc...|"]),
        ("日本語テスト", True, ["|日本語|", "|テスト|"]),
        ("a\nb", True, ["|a\\nb  |"]),
        ("", True, ["|      |"]),
        (None, True, ["|null  |"]),
        (True, True, ["|true  |"]),
        ({"A": 1}, True, ['|{"A": |', "|1}    |"]),
    ],
)
def test_rows_stay_in_their_columns(value, wraps, expected):
    assert list(RowLayout(("X",), 6, wraps).row([value])) == expected


def test_many_columns_share_a_narrow_screen():
    assert layout([f"C{n}" for n in range(50)], 80).width == 5
    assert layout(["A", "B"], 81).width == 39
    assert layout([], 80).width > 0


class TestInterrupts:
    """Ctrl-C ends what runs and keeps the shell."""

    def shell(self, rows):
        client = SimpleNamespace(stream=lambda *_, **__: rows)
        return Shell(client, Screen())

    def test_during_a_push_query(self, capsys):
        class Rows:
            columns = ("A",)

            def __iter__(self):
                yield [1]
                raise KeyboardInterrupt

            def close(self):
                capsys.readouterr()
                print("query closed")

        self.shell(Rows()).run("SELECT A FROM S EMIT CHANGES;")

        assert capsys.readouterr().out == "query closed\n"

    def test_of_a_real_shell_on_a_terminal(self, project):
        """A push query without rows blocks in a read: the signal must end the query, not the shell."""
        release = threading.Event()

        def respond(request):
            if request.path == "/query-stream":
                release.wait(20)
                return Answer(200, chunks=(HEADER,))
            if request.path == "/info":
                return Answer(200, {"KsqlServerInfo": {"version": "7.6.0"}})
            return Answer(200, STREAMS)

        with running(FakeServer(respond)) as fake, Terminal(fake.url, project.root) as terminal:
            terminal.expect("ksql>")
            terminal.type("SELECT * FROM A EMIT CHANGES;\r")
            eventually(lambda: any(request.path == "/query-stream" for request in fake.requests))
            terminal.type("\x03")
            terminal.expect("Query terminated")
            terminal.type("help exit\r")
            terminal.expect("End the shell")
            terminal.type("exit\r")
            release.set()
            assert terminal.ended() == 0


class Terminal:
    """`ksql` on a pseudo terminal."""

    def __init__(self, url: str, home: Path) -> None:
        self._main, child = pty.openpty()
        environment = {**os.environ, "KSQLDB_URL": url, "BIFROST_HOME": str(home / "home"), "TERM": "xterm"}
        command = (sys.executable, "-m", "bifrost.cli", "ksql")
        self._process = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environment, cwd=PROJECT, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(child)
        self._seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._main)

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def expect(self, text: str) -> None:
        """Reads until the text was shown."""
        deadline = time.monotonic() + 30
        while text not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._seen):
            ready, _, _ = select.select([self._main], [], [], 1)
            assert time.monotonic() < deadline, self._seen
            if ready:
                self._seen += os.read(self._main, 4096).decode("utf-8", "replace")
                if "\x1b[6n" in self._seen:
                    # The shell asks a terminal for the cursor's position.
                    self._seen = self._seen.replace("\x1b[6n", "")
                    self.type("\x1b[1;1R")
        self._seen = ""

    def ended(self) -> int:
        return self._process.wait(timeout=30)
