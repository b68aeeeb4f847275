"""`ksql`: statements in, tables or JSON out."""

import io
import json
from typing import get_args

import pytest

from bifrost.cli.shell.help_texts import COMMANDS, STATEMENTS
from bifrost.sql.tree import Statement
from tests.fakes.http_server import Fault


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


def test_the_place_of_an_unknown_column_is_marked(ksql, server):
    body = {"message": "Could not determine output schema for query due to error: Line: 1, Col: 8: no 'NOPE'."}
    server.faults.append(Fault("POST", "/query-stream", 400, body))

    found = ksql("-e", "SELECT NOPE FROM A EMIT CHANGES;")

    assert found.err.splitlines()[-2:] == ["  SELECT NOPE FROM A EMIT CHANGES;", "         ^^^^"]


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
