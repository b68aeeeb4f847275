"""Runs test files in ksqlDB's format: statements and ASSERT statements, without a broker.

    --@test: small numbers are filtered out
    CREATE STREAM S (ID INT KEY, N INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
    CREATE STREAM BIG AS SELECT * FROM S WHERE N > 10;
    INSERT INTO S (ID, N) VALUES (1, 5);
    INSERT INTO S (ID, N) VALUES (1, 15);
    ASSERT VALUES BIG (ID, N) VALUES (1, 15);

`--@expected.error: <class>` and `--@expected.message: <part of the message>` say that a statement must fail. All
queries process a record before the next statement runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bifrost.engine.functions.registry import FunctionRegistry
from bifrost.engine.testing.driver import Driver
from bifrost.engine.testing.expectations import ExpectationFailed, check_record, check_source
from bifrost.errors import AnalysisError, BifrostError, DeclarationError, ParseError
from bifrost.sql.parser import Dialect, parse_script
from bifrost.sql.tree import AssertSource, AssertTombstone, AssertValues, ParsedStatement, RunScript

_DIRECTIVE = re.compile(r"\s*--\s*@([a-z.]+)\s*:\s*(.*?)\s*$")
_MAX_SCRIPT_DEPTH = 20

Prepare = Callable[[Driver], None]
"""Adds the topics and schemas that a test needs to its driver."""


@dataclass(frozen=True, slots=True)
class SqlTest:
    """A test of a file. `text` begins with an empty line per line before it in the file, to keep line numbers."""

    name: str
    line: int
    text: str
    expected_error: str | None = None
    expected_message: str | None = None


@dataclass(frozen=True, slots=True)
class SqlTestResult:
    """The result of a test: `problem` is None if it passed; `line` is the line in the file where it failed."""

    name: str
    problem: str | None = None
    line: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the test passed."""
        return self.problem is None


def run_file(
    path: Path, functions: FunctionRegistry | None = None, prepare: Prepare | None = None
) -> tuple[SqlTestResult, ...]:
    """Runs all tests of a file; `prepare` is called with the driver of each before its first statement.

    Raises:
        DeclarationError: the file is unreadable or has no tests.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(path, f"cannot be read: {error}") from error
    tests = read_tests(text)
    if not tests:
        raise DeclarationError(path, "has no tests; each begins with a line `--@test: <name>`")
    return tuple(run_test(test, base=path.parent, functions=functions, prepare=prepare) for test in tests)


def read_tests(text: str) -> tuple[SqlTest, ...]:
    """The tests of a file's text; lines before the first `--@test` belong to no test."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _directive(line)[0] == "test"]
    ends = [*starts[1:], len(lines)][: len(starts)]
    return tuple(_read_test(lines, start, end) for start, end in zip(starts, ends, strict=True))


def _read_test(lines: Sequence[str], start: int, end: int) -> SqlTest:
    test = SqlTest(_directive(lines[start])[1], start + 1, "\n" * start + "\n".join(lines[start:end]))
    for line in lines[start:end]:
        match _directive(line):
            case "expected.error", value:
                test = replace(test, expected_error=value)
            case "expected.message", value:
                test = replace(test, expected_message=value)
    return test


def _directive(line: str) -> tuple[str, str]:
    found = _DIRECTIVE.match(line)
    return (found[1], found[2]) if found else ("", "")


def run_test(
    test: SqlTest,
    *,
    base: Path,
    functions: FunctionRegistry | None = None,
    prepare: Prepare | None = None,
) -> SqlTestResult:
    """Runs one test on a new driver; paths of RUN SCRIPT are relative to `base`."""
    run = SqlTestRun(base, Driver(functions=functions))
    if prepare is not None:
        prepare(run.driver)
    expected = test.expected_error or test.expected_message
    try:
        run.run(test.text)
    except BifrostError as error:
        line = error.line if isinstance(error, ParseError) else run.line
        return SqlTestResult(test.name, _unexpected(test, error), line)
    missing = None if expected is None else f"expected an error ({expected}), but all statements succeeded"
    return SqlTestResult(test.name, missing, run.line)


def _unexpected(test: SqlTest, error: BifrostError) -> str | None:
    """The problem with an error; None if the test expects it."""
    if test.expected_error is None and test.expected_message is None:
        return str(error)
    expects_mismatch = (test.expected_error or "").endswith("AssertionError")
    if expects_mismatch and not isinstance(error, ExpectationFailed):
        return f"expected a failing ASSERT, but got: {error}"
    if test.expected_message is not None and test.expected_message not in str(error):
        return f"expected an error with {test.expected_message!r}, but got: {error}"
    return None


@dataclass(slots=True)
class SqlTestRun:
    """A running test. `line` is that of the current statement; `read` counts the asserted records of each topic."""

    base: Path
    driver: Driver
    line: int | None = None
    read: dict[str, int] = field(default_factory=dict)

    def run(self, text: str, depth: int = 0) -> None:
        """Runs the statements of a text.

        Raises:
            StatementError: a statement is invalid.
            ExpectationFailed: an ASSERT statement does not hold.
        """
        for statement in parse_script(text, self.driver.variables, dialect=Dialect.TESTS):
            if depth == 0:
                self.line = statement.line
            self._run_statement(statement, depth)

    def _run_statement(self, statement: ParsedStatement, depth: int) -> None:
        match statement.tree:
            case AssertValues() | AssertTombstone() as expected:
                self._check_next(expected)
            case AssertSource() as expected:
                check_source(self.driver, expected)
            case RunScript(path=path):
                self._run_script(path, depth + 1)
            case _:
                self.driver.execute(statement)

    def _check_next(self, expected: AssertValues | AssertTombstone) -> None:
        source = self.driver.metastore.find(expected.source)
        if source is None:
            raise AnalysisError(f"Source `{expected.source}` does not exist.")
        position = self.read.get(source.topic, 0)
        records = self.driver.topic(source.topic).records
        if position >= len(records):
            raise ExpectationFailed(
                f"Expected another record, but all {len(records)} records of topic {source.topic} were already asserted"
            )
        self.read[source.topic] = position + 1
        check_record(self.driver, source, records[position], expected)

    def _run_script(self, path: str, depth: int) -> None:
        script = self.base / path.lstrip("/")
        if depth > _MAX_SCRIPT_DEPTH:
            raise AnalysisError(
                f"RUN SCRIPT '{path}': scripts run each other more than {_MAX_SCRIPT_DEPTH} levels deep"
            )
        try:
            text = script.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AnalysisError(f"RUN SCRIPT '{path}': {script} cannot be read ({error})") from error
        self.run(text, depth)
