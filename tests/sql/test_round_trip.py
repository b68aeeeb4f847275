"""What is formatted reads back as the same tree."""

from hypothesis import HealthCheck, given

from bifrost.errors import StatementError
from bifrost.sql.format_expressions import format_type
from bifrost.sql.formatter import format_expression, format_statement
from bifrost.sql.normalise import normalise
from bifrost.sql.parser import Dialect, parse_expression_text, parse_script, parse_statement, parse_type_text
from tests.examples import examples
from tests.sql import scripts, strategies

GENEROUS = examples(150, suppress_health_check=[HealthCheck.too_slow])


def assert_round_trip(script):
    for statement in parse_script(script, dialect=Dialect.TESTS):
        text = format_statement(statement.tree)
        again = parse_statement(text, dialect=Dialect.TESTS)
        assert again.tree == statement.tree, text
        assert normalise(again.tree) == normalise(statement.tree)
        assert normalise(normalise(again.tree)) == normalise(again.tree)


def test_every_kind_of_statement():
    assert_round_trip(scripts.EVERY_KIND)
    assert_round_trip(scripts.TEST_FILE)


def test_statements_of_the_project():
    for script in scripts.project_scripts():
        assert_round_trip(script)


def test_scripts_that_ksqldb_accepted():
    for script in scripts.verified_scripts():
        assert_round_trip(script)


def test_cases_that_ksqldb_accepts():
    for case in scripts.conformance_cases("cases.jsonl"):
        if not case["expected_error"]:
            assert_round_trip("\n".join(case["statements"]))


def test_asserting_scripts():
    for case in scripts.conformance_cases("sqltests.jsonl"):
        assert_round_trip("\n".join(case["statements"]))


def test_cases_that_ksqldb_cannot_parse_are_refused():
    for case in scripts.conformance_cases("cases.jsonl"):
        message = (case["expected_error"] or {}).get("message") or ""
        if "Syntax" not in message:
            continue
        try:
            parse_script("\n".join(case["statements"]))
        except StatementError:
            continue
        raise AssertionError(f"{case['id']} was accepted; expected: {message}")


@GENEROUS
@given(strategies.statements)
def test_any_statement(tree):
    text = format_statement(tree)
    assert parse_statement(text, dialect=Dialect.TESTS).tree == tree, text


@GENEROUS
@given(strategies.expressions)
def test_any_expression(tree):
    text = format_expression(tree)
    assert parse_expression_text(text) == tree, text


@GENEROUS
@given(strategies.sql_types)
def test_any_type(sql_type):
    assert parse_type_text(str(sql_type)) == sql_type
    assert parse_type_text(format_type(sql_type)) == sql_type
