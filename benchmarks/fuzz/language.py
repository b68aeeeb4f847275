"""The SQL parser, the planner with a driver in memory, and the shell's test for complete statements."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.mutation import TEXTS, damaged_text
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.engine.testing.driver import Driver
from bifrost.errors import ParseError, StatementError
from bifrost.settings import PROJECT
from bifrost.sql.formatter import format_statement
from bifrost.sql.keywords import KEYWORDS
from bifrost.sql.lexer import SourceText, tokenize
from bifrost.sql.parser import Dialect, is_complete, parse_script, parse_statement

SOURCES = """
CREATE STREAM S (K VARCHAR KEY, A INT, B VARCHAR, C DECIMAL(5, 2), D DOUBLE, E ARRAY<INT>, F MAP<VARCHAR, INT>,
  G STRUCT<X INT, Y VARCHAR>, H TIMESTAMP, I BYTES) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE T (K VARCHAR PRIMARY KEY, A INT, B VARCHAR) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);
"""
STATEMENTS = (
    "CREATE STREAM X AS SELECT K, A + 1 AS A, UCASE(B) AS B, C * D AS C, E[1] AS E, F['a'] AS F, G->X FROM S "
    "WHERE A > 1;",
    "CREATE TABLE X AS SELECT B, COUNT(*) AS N, SUM(A) AS A, COLLECT_LIST(D) AS D FROM S WINDOW TUMBLING (SIZE 1 HOUR, "
    "GRACE PERIOD 5 MINUTES) GROUP BY B HAVING COUNT(*) > 1 EMIT FINAL;",
    "CREATE STREAM X AS SELECT S.K AS K, S.A AS A, T.B AS TB FROM S LEFT JOIN T ON S.K = T.K PARTITION BY S.A;",
    "INSERT INTO S (K, A, B, C, D, E, F, G, H) VALUES ('k', 1, 'b', 1.25, 2.5, ARRAY[1, 2], MAP('a' := 1), "
    "STRUCT(X := 1, Y := 'y'), '2020-02-29T10:00:00');",
    "SELECT TRANSFORM(E, X => X + 1), CASE WHEN A BETWEEN 1 AND 2 THEN 'x' ELSE B END, CAST(B AS TIMESTAMP), "
    "FORMAT_TIMESTAMP(H, 'yyyy-MM-dd''T''HH:mm:ss.SSS', 'Europe/London'), EXTRACTJSONFIELD(B, '$.a[0].b') "
    "FROM S EMIT CHANGES;",
    "SELECT K, REGEXP_EXTRACT('(a+)b', B, 1), SPLIT(B, ','), SUBSTRING(B, 1, 2), LPAD(B, 5, 'x'), ROUND(A, 1) "
    "FROM T WHERE K = 'a';",
    "CREATE OR REPLACE STREAM S2 (A INT HEADER('x'), B TIMESTAMP) WITH (KAFKA_TOPIC='s2', FORMAT='DELIMITED', "
    "PARTITIONS=2, "
    "TIMESTAMP='B', TIMESTAMP_FORMAT='yyyy');",
    "SET 'auto.offset.reset' = 'earliest'; DEFINE x = 'S'; SELECT * FROM ${x} EMIT CHANGES;",
)
RECORDS = (
    b'{"A":1,"B":"{\\"a\\":[{\\"b\\":1}]}","C":1.25,"D":2.5,"E":[1],"F":{"a":1},"G":{"X":1},"H":1000}',
    b"null",
    b"{",
)


@contextmanager
def parser() -> Iterator[Fuzzer]:
    """Statements of the project and of ksqlDB's forms, with words replaced: a tree, or an error."""
    files = "".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "ksql").glob("*.sql")))
    texts = [*(statement.text for statement in parse_script(files)), *STATEMENTS]
    words = (*TEXTS, *sorted(KEYWORDS), *_words(files))

    def make(rng: random.Random) -> Input:
        return Input("parser", _changed(rng, rng.choice(texts), words))

    yield Fuzzer(make, lambda found: _parse(found.given))


def _words(text: str) -> list[str]:
    return [text[token.start : token.end] for token in tokenize(SourceText(text))][:2000]


def _changed(rng: random.Random, text: str, words: Sequence[str]) -> str:
    """The text with one or two whole words replaced, or damaged anywhere."""
    if rng.random() < 0.3:
        return damaged_text(rng, text, words)
    for _ in range(rng.choice((1, 1, 2))):
        try:
            token = rng.choice(list(tokenize(SourceText(text))))
        except ParseError:
            return text
        text = text[: token.start] + rng.choice(words) + text[token.end :]
    return text


def _parse(text: str) -> None:
    is_complete(text)
    try:
        statements = parse_script(text, dialect=Dialect.TESTS)
    except ParseError as error:
        if error.line < 1 or error.column < 1:
            raise Finding("an error without line and column") from error
        raise
    for statement in statements:
        again = parse_statement(format_statement(statement.tree), dialect=Dialect.TESTS)
        if again.tree != statement.tree:
            raise Finding("the formatted statement is another one")


@contextmanager
def planner() -> Iterator[Fuzzer]:
    """Statements over a stream and a table, which then take records: a plan and rows, or an error of the statement."""
    words = (*TEXTS, *_words("".join(STATEMENTS)), *sorted(KEYWORDS))

    def make(rng: random.Random) -> Input:
        return Input("planner", _changed(rng, rng.choice(STATEMENTS), words))

    yield Fuzzer(make, lambda found: _plan(found.given))


def driver_with(text: str) -> Driver:
    """A driver that has run a statement over the sources.

    Raises:
        Finding: the statement was refused without a reason.
        StatementError: it was refused.
    """
    driver = Driver()
    driver.run(SOURCES)
    try:
        driver.run(text)
    except StatementError as error:
        if not str(error).strip():
            raise Finding("an error without a message") from error
        raise
    return driver


def _plan(text: str) -> None:
    driver = driver_with(text)
    for record in RECORDS:
        driver.produce("s", b"k", record, 1000)
        driver.produce("t", b"k", record, 1000)
