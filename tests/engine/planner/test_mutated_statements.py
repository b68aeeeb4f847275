"""Statements with a token replaced, removed or doubled: a plan that compiles, or an error with words; never a crash."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

import tests.golden
from bifrost.engine.planner.outcome import CreatePlan, PersistentPlan, PushPlan
from bifrost.engine.serde import Serdes
from bifrost.engine.testing.offline_check import OfflineChecker
from bifrost.engine.topology.compiled import compile_query
from bifrost.errors import StatementError
from bifrost.sql.lexer import SourceText, tokenize
from bifrost.sql.parser import parse_script

_MUTATIONS = 12
_PIECES = (
    "NULL * -1 0 '' 1e400 1.5 9223372036854775808 ARRAY[] ARRAY[1,NULL] STRUCT() MAP() A->B A[0] ROWTIME WINDOWSTART"
    " COUNT(*) EXPLODE(A) 1/0 `q` INT KEY DECIMAL(5,2) MAP<STRING,INT> NOWHERE"
).split(" ")
_PULLS = """\
CREATE STREAM S (ID BIGINT KEY, A INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE TABLE W AS SELECT ID, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID;
SELECT ID, N FROM W WHERE ID = 1 AND WINDOWSTART >= '2026-01-01' AND WINDOWEND < 9000 AND NOT N IN (1, 2) LIMIT 3;
"""
_VALUES = """\
CREATE STREAM S (ID BIGINT KEY, A INT, B STRING, D DECIMAL(4,2), T TIMESTAMP, R STRUCT<X INT>, M MAP<STRING, INT>)
 WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2);
INSERT INTO S (ROWTIME, ID, A, B, D, T, R, M) VALUES (1, 2, 3, 'x', 1.55, '2026-01-01', STRUCT(X := 1), MAP('k' := 1));
"""


def _scripts() -> dict[str, str]:
    text = (Path(tests.golden.__file__).parent / "queries.sql").read_text(encoding="utf-8")
    blocks = re.split(r"^--@query: (\w+)\n", text, flags=re.M)[1:]
    return {**dict(zip(blocks[::2], blocks[1::2], strict=True)), "pull_query": _PULLS, "insert_values": _VALUES}


SCRIPTS = _scripts()


def mutated(script: str, source: random.Random) -> str:
    """The script with one or two of its tokens replaced, removed or doubled."""
    tokens = [script[token.start : token.end] for token in tokenize(SourceText(script))]
    for _ in range(source.choice((1, 1, 2))):
        at = source.randrange(len(tokens))
        match source.choice(("own", "own", "other", "other", "remove", "double")):
            case "own":
                tokens[at] = source.choice(tokens)
            case "other":
                tokens[at] = source.choice(_PIECES)
            case "remove":
                del tokens[at]
            case _:
                tokens.insert(at, tokens[at])
    return " ".join(tokens)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_mutated_statement_is_planned_or_refused(name: str) -> None:
    source = random.Random(name)
    for _ in range(_MUTATIONS):
        script = mutated(SCRIPTS[name], source)
        checker = OfflineChecker()
        try:
            for statement in parse_script(script):
                match checker.check(statement).planned:
                    case PersistentPlan(query=query) | PushPlan(query=query) | CreatePlan(query=query) if query:
                        compile_query(query, Serdes(checker.environment.registry), checker.functions)
        except StatementError as error:
            assert error.message.strip(), script
