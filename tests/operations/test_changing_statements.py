"""Which statements change something on the server, and how they are logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from bifrost.errors import Refused
from bifrost.operations.action_log import ActionLog, Outcome
from bifrost.operations.changing_statements import is_change, logged_statement
from bifrost.sql.parser import Dialect, parse_script, parse_statement

CHANGES = (
    "CREATE STREAM A AS SELECT * FROM B;",
    "CREATE TYPE MONEY AS DECIMAL(9, 2);",
    "DROP TABLE A DELETE TOPIC;",
    "INSERT INTO A (X) VALUES (1);",
    "INSERT INTO A SELECT * FROM B;",
    "ALTER STREAM A ADD COLUMN Y INT;",
    "ALTER SYSTEM 'ksql.a'='1';",
    "TERMINATE ALL;",
    "PAUSE Q;",
    "RESUME Q;",
    "DROP CONNECTOR C;",
)
READS = (
    "SHOW QUERIES;",
    "LIST TOPICS;",
    "DESCRIBE A EXTENDED;",
    "EXPLAIN SELECT * FROM A EMIT CHANGES;",
    "EXPLAIN DROP STREAM A;",
    "PRINT t LIMIT 1;",
    "SELECT * FROM A;",
    "ASSERT TOPIC t;",
    "SET 'a'='b';",
    "UNDEFINE a;",
    "RUN SCRIPT 'a.sql';",
    "SPOOL OFF;",
)


def _tree(text: str):
    (statement,) = parse_script(text, {}, dialect=Dialect.SHELL)
    return statement.tree


@pytest.mark.parametrize("text", CHANGES)
def test_a_statement_changes_something(text: str):
    assert is_change(_tree(text))


@pytest.mark.parametrize("text", READS)
def test_a_statement_only_reads_or_is_for_the_shell(text: str):
    assert not is_change(_tree(text))


def test_a_failed_statement_has_ksqldbs_message(tmp_path: Path):
    log = ActionLog(tmp_path / "actions.jsonl", lambda: 1.0)
    with pytest.raises(Refused), logged_statement(log, "ann", parse_statement("DROP STREAM A;")):
        raise Refused("ksqlDB", "statement", status=400, body="no such stream")
    (entry,) = log.newest(5)
    assert (entry.outcome, entry.result) == (Outcome.FAILED, "no such stream")


def test_an_interrupted_statement_is_logged_as_failed(tmp_path: Path):
    log = ActionLog(tmp_path / "actions.jsonl", lambda: 1.0)
    with pytest.raises(KeyboardInterrupt), logged_statement(log, "ann", parse_statement("DROP STREAM A;")):
        raise KeyboardInterrupt
    (entry,) = log.newest(5)
    assert (entry.outcome, entry.result) == (Outcome.FAILED, "KeyboardInterrupt")
