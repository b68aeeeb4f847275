"""Errors in scripts name the script and the line."""

import io

import pytest

from tests.fakes.http_server import Fault


@pytest.fixture
def script(project, ksql):
    """Runs a script by RUN SCRIPT; gives the lines of the error without the folder."""

    def run(text, name="script.sql"):
        project.write(name, text)
        found = ksql("-e", f"RUN SCRIPT '{project.root}/{name}';")
        assert found.code == 1
        return found.err.replace(f"{project.root}/", "").splitlines()

    return run


def test_a_syntax_error_names_file_line_and_column(script):
    found = script("-- first\nSHOW STREAMS;\n\nSHOW TOPICS; SELEC 1;\nSHOW STREAMS;\n")

    assert found[0].startswith("error: script.sql:4:14: ")
    assert found[-2:] == ["  SHOW TOPICS; SELEC 1;", "               ^^^^^"]


def test_a_position_of_the_server_is_one_of_the_file(script, server):
    server.faults.append(Fault("POST", "/ksql", 400, {"message": "line 2:13: Column 'NOPE' cannot be resolved"}))

    found = script("SET 'a'='b';\n\nCREATE STREAM X AS\n  SELECT A, NOPE FROM A;\nSHOW STREAMS;\n")

    assert found == [
        "error: script.sql:4:13: Column 'NOPE' cannot be resolved",
        "    SELECT A, NOPE FROM A;",
        "              ^^^^",
    ]


def test_a_position_in_the_first_line_of_a_later_statement_counts_from_the_beginning_of_the_line(script, server):
    server.faults.append(Fault("POST", "/ksql", 400, {"message": "line 1:6: nothing of the kind"}))

    found = script("\nSET 'a'='b'; SHOW STREAMS;\n")

    assert found[0] == "error: script.sql:2:19: nothing of the kind"


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_without_a_position_names_the_line_of_its_statement(script, server, status):
    server.faults.append(Fault("POST", "/ksql", status, {"message": "A does not exist."}, times=9))

    assert script("SET 'a'='b';\n/* two\nlines */ DESCRIBE\n  A;\n")[0] == "error: script.sql:3: A does not exist."


def test_an_error_of_a_type_names_the_line_of_its_statement_behind_comments(script):
    found = script("SHOW STREAMS;\n-- why\n\nCREATE STREAM A (N DECIMAL(1,2)) WITH (KAFKA_TOPIC='a');\n")

    assert found[0] == "error: script.sql:4: DECIMAL precision must be >= scale: DECIMAL(1,2)"


def test_a_command_of_the_shell_names_its_line(script):
    assert script("SHOW STREAMS;\noutput nosuch\n")[0].startswith("error: script.sql:2: output: nosuch is unknown")


def test_a_server_that_does_not_answer_is_named_behind_the_line(script, server):
    server.faults.append(Fault("POST", "/ksql", hang_up=True, times=9))

    assert script("\nSHOW STREAMS;\n")[0].startswith("error: script.sql:2: ksqlDB: POST /ksql: no answer from")


def test_a_statement_that_never_ends_names_its_first_line(script):
    assert script("SHOW STREAMS;\n\nSELECT 'open\nFROM A;\n")[0].startswith("error: script.sql:3:")


def test_a_script_of_a_script_names_both(script, project):
    project.write("inner.sql", "SHOW STREAMS;\nSELEC 1;\n")

    found = script(f"-- outer\nRUN SCRIPT '{project.root}/inner.sql';\n", "outer.sql")

    assert found[0].startswith("error: outer.sql:2: inner.sql:2:1: ")
    assert found[-2:] == ["  SELEC 1;", "  ^^^^^"]


def test_a_missing_script_names_the_line_that_runs_it(script):
    assert script("\nRUN SCRIPT 'nosuch.sql';\n", "outer.sql")[0].startswith(
        "error: outer.sql:2: RUN SCRIPT 'nosuch.sql': "
    )


def test_statements_of_standard_input_name_their_line(ksql, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("SHOW STREAMS;\nSELEC 1;"))

    assert ksql().err.startswith("error: standard input:2:1: ")
