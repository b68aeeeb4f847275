import pytest

from bifrost.engine.testing.sql_test_files import read_tests, run_file
from bifrost.errors import DeclarationError

HEAD = """\
CREATE STREAM S (ID INT KEY, N INT, D DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM BIG AS SELECT * FROM S WHERE N > 10;
"""


def run(tmp_path, text):
    path = tmp_path / "test.sql"
    path.write_text(text)
    return run_file(path)


def problems(tmp_path, body, directives=""):
    [result] = run(tmp_path, f"--@test: one\n{directives}{HEAD}{body}")
    return result.problem


def test_tests_are_read_with_names_and_lines(tmp_path):
    text = f"-- notes\n--@test: first\n{HEAD}\n--@test: second\n--@expected.error: X\n--@expected.message: some text\n"
    first, second = read_tests(text)
    assert (first.name, first.line, first.expected_error) == ("first", 2, None)
    assert (second.name, second.expected_error, second.expected_message) == ("second", "X", "some text")


def test_values_are_compared_in_the_listed_columns_record_by_record(tmp_path):
    body = """
    INSERT INTO S (ID, N, ROWTIME) VALUES (1, 5, 10);
    INSERT INTO S (ID, N, ROWTIME) VALUES (2, 15, 20);
    INSERT INTO S (ID, N, D) VALUES (3, 16, 1.5);
    ASSERT VALUES BIG (ROWTIME, ID, N) VALUES (20, 2, 15);
    ASSERT VALUES BIG VALUES (3, 16, 1.5);
    """
    assert problems(tmp_path, body) is None


def test_a_differing_record_fails_with_both_sides_and_the_line(tmp_path):
    [result] = run(
        tmp_path, f"--@test: one\n{HEAD}INSERT INTO S (ID, N) VALUES (1, 15);\nASSERT VALUES BIG (N) VALUES (16);\n"
    )
    assert not result.passed
    assert result.line == 5
    assert "Expected record does not match actual" in result.problem
    assert "{'N': 16}, actual: {'N': 15}" in result.problem


def test_a_missing_record_fails(tmp_path):
    assert "Expected another record, but all 0 records" in problems(tmp_path, "ASSERT VALUES BIG (N) VALUES (16);")


def test_tombstones_are_asserted_by_key(tmp_path):
    body = """
    CREATE TABLE T (ID INT PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
    CREATE TABLE U AS SELECT * FROM T WHERE N > 1;
    INSERT INTO T (ID, N) VALUES (1, 2);
    INSERT INTO T (ID, N) VALUES (1, 0);
    ASSERT VALUES U (ID, N) VALUES (1, 2);
    ASSERT NULL VALUES U (ID) KEY (1);
    """
    assert problems(tmp_path, body) is None
    assert "with a null value" in problems(tmp_path, body.replace("(1, 0)", "(1, 3)"))


def test_windows_are_columns(tmp_path):
    body = """
    CREATE TABLE W AS SELECT ID, COUNT(*) AS C FROM S WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY ID;
    INSERT INTO S (ID, N, ROWTIME) VALUES (1, 5, 15);
    ASSERT VALUES W (ID, WINDOWSTART, WINDOWEND, C) VALUES (1, 10, 20, 1);
    """
    assert problems(tmp_path, body) is None


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("ASSERT STREAM BIG (ID INT KEY, N INT, D DOUBLE) WITH (KAFKA_TOPIC='BIG', VALUE_FORMAT='JSON');", None),
        ("ASSERT STREAM BIG (ID INT KEY, N INT) WITH (KAFKA_TOPIC='BIG', VALUE_FORMAT='JSON');", "Expected schema"),
        ("ASSERT STREAM BIG (ID INT KEY) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON');", "Expected schema"),
        ("ASSERT TABLE BIG (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='BIG', VALUE_FORMAT='JSON');", "Expected type"),
        ("ASSERT STREAM NOPE (ID INT) WITH (KAFKA_TOPIC='BIG', VALUE_FORMAT='JSON');", "`NOPE` does not exist"),
        (
            "ASSERT STREAM BIG (ID INT KEY, N INT, D DOUBLE) WITH (KAFKA_TOPIC='BIG', VALUE_FORMAT='AVRO');",
            "Expected value format does not match actual for source BIG",
        ),
    ],
)
def test_sources_are_compared_with_those_that_create_would_make(tmp_path, statement, problem):
    found = problems(tmp_path, statement)
    assert found is None if problem is None else problem in found


def test_expected_errors_pass_and_missing_or_other_ones_fail(tmp_path):
    directives = "--@expected.error: io.confluent.ksql.util.KsqlException\n--@expected.message: NOPE\n"
    assert problems(tmp_path, "CREATE STREAM X AS SELECT * FROM NOPE;", directives) is None
    assert "all statements succeeded" in problems(tmp_path, "", directives)
    assert "but got" in problems(tmp_path, "CREATE STREAM X AS SELECT NIX FROM S;", directives)
    wrong = "--@expected.error: java.lang.AssertionError\n"
    assert "expected a failing ASSERT" in problems(tmp_path, "CREATE STREAM X AS SELECT * FROM NOPE;", wrong)
    assert problems(tmp_path, "ASSERT VALUES BIG (N) VALUES (1);", wrong) is None


def test_a_syntax_error_has_its_line_in_the_file(tmp_path):
    [result] = run(tmp_path, "--@test: one\n\nSELEKT 1;\n")
    assert result.line == 3
    assert "line 3:1" in result.problem


def test_run_script_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "head.sql").write_text(HEAD)
    text = "--@test: one\nRUN SCRIPT '/head.sql'; INSERT INTO S (ID, N) VALUES (1, 11);"
    text += "ASSERT VALUES BIG (N) VALUES (11);"
    assert run(tmp_path, text)[0].passed
    assert "cannot be read" in run(tmp_path, "--@test: one\nRUN SCRIPT 'none.sql';")[0].problem
    (tmp_path / "loop.sql").write_text("RUN SCRIPT 'loop.sql';")
    assert "more than 20 levels deep" in run(tmp_path, "--@test: one\nRUN SCRIPT 'loop.sql';")[0].problem


def test_a_file_without_tests_is_refused_by_name(tmp_path):
    with pytest.raises(DeclarationError, match=r"test\.sql: has no tests"):
        run(tmp_path, "CREATE STREAM S (A INT);")
    with pytest.raises(DeclarationError, match="cannot be read"):
        run_file(tmp_path / "absent.sql")
