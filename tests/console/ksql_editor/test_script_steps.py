"""How what was entered is split into steps, and which of them lose something."""

from __future__ import annotations

import pytest

from bifrost.console.ksql_editor.script_steps import StepKind, loss_of, steps_of
from bifrost.errors import ParseError
from bifrost.operations.changing_statements import shown_text
from bifrost.sql.parser import parse_statement

LOSING = (
    ("DROP STREAM A;", "stream A"),
    ("DROP TABLE IF EXISTS B DELETE TOPIC;", "all records"),
    ("DROP TYPE MONEY;", "type MONEY"),
    ("DROP CONNECTOR SINK1;", "connector SINK1"),
    ("TERMINATE CSAS_A_1;", "query CSAS_A_1"),
    ("TERMINATE ALL;", "all queries"),
    ("CREATE OR REPLACE STREAM A AS SELECT * FROM B;", "Replaces the stream A"),
    ("CREATE OR REPLACE TABLE T (ID VARCHAR PRIMARY KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');", "table T"),
)
KEEPING = (
    "CREATE STREAM A AS SELECT * FROM B;",
    "INSERT INTO A SELECT * FROM B;",
    "INSERT INTO A (X) VALUES (1);",
    "PAUSE CSAS_A_1;",
    "RESUME ALL;",
    "SHOW STREAMS;",
    "SELECT * FROM A;",
    "EXPLAIN CREATE OR REPLACE STREAM A AS SELECT * FROM B;",
)


@pytest.mark.parametrize(("text", "words"), LOSING)
def test_a_statement_that_loses_something_says_what(text: str, words: str):
    (step,) = steps_of(text, {})
    assert words.lower() in step.loses.lower()
    assert step.kind is StepKind.CHANGE


@pytest.mark.parametrize("text", KEEPING)
def test_other_statements_ask_nothing(text: str):
    assert loss_of(parse_statement(text).tree) == ""


def test_each_statement_has_its_kind_and_place():
    text = (
        "SET 'a'='1'; UNSET 'a';\nDEFINE x = 'O'; UNDEFINE x;\n  SELECT * FROM A EMIT CHANGES;\n"
        "SELECT * FROM T; PRINT orders; DESCRIBE A; ASSERT TOPIC t; CREATE STREAM B AS SELECT * FROM A;"
    )
    found = steps_of(text, {})

    kinds = ["set", "unset", "define", "undefine", "push", "pull", "print", "read", "read", "change"]
    assert [step.kind for step in found] == kinds
    assert [(step.line, step.column) for step in found][:5] == [(1, 1), (1, 14), (2, 1), (2, 17), (3, 3)]
    assert (found[0].name, found[0].value, found[2].name) == ("a", "1", "x")


def test_variables_are_replaced():
    (step,) = steps_of("SELECT * FROM ${s};", {"S": "ORDERS"})
    assert step.text == "SELECT * FROM ORDERS;"


@pytest.mark.parametrize("text", ["show streams", "show streams -- all of them", "show streams /* all */"])
def test_the_last_statement_may_lack_its_end(text: str):
    assert [step.kind for step in steps_of(text, {})] == ["read"]


@pytest.mark.parametrize("text", ["", "  \n", "-- nothing\n"])
def test_nothing_is_no_step(text: str):
    assert steps_of(text, {}) == ()


def test_a_statement_that_cannot_be_parsed_names_the_place():
    with pytest.raises(ParseError) as caught:
        steps_of("SHOW STREAMS;\n  SELEC 1;", {})
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_secrets_of_connectors_and_others_reach_no_log_and_no_history():
    text = "CREATE SINK CONNECTOR S WITH ('connector.class'='x', 'db.password'='hunter22', 'plain'='also hidden');"
    (step,) = steps_of(text, {})

    assert step.has_secrets
    assert shown_text(parse_statement(text)) == "CREATE SINK CONNECTOR S WITH (...);"
    assert not steps_of("SELECT * FROM A;", {})[0].has_secrets
