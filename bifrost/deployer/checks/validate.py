"""Checks all declarations with nothing running: files, names, known mistakes, and the types of all statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from bifrost.dashboards.searches import search_problems
from bifrost.deployer.checks.alert_checks import check_alerts
from bifrost.deployer.checks.connect_validate import unresolved
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement, DeclaredSubject
from bifrost.deployer.declared.files import load
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.lint.catalog import RULES
from bifrost.deployer.lint.connector_rules import DROPPED_KEY, UNSET_VARIABLE
from bifrost.deployer.lint.other_rules import UNREADABLE, WRONG_SEARCH
from bifrost.deployer.lint.rule import FileProblem
from bifrost.deployer.lint.run import lint, lint_together
from bifrost.deployer.lint.silencing import without_silenced
from bifrost.deployer.lint.statement_rules import (
    REFUSED,
    UNKNOWN_COLUMNS,
    UNKNOWN_SOURCE,
    UNKNOWN_TOPIC,
    WRONG_FUNCTION,
)
from bifrost.deployer.lint.topic_rules import NOT_AVRO
from bifrost.deployer.plan.schema_equality import avro_problem
from bifrost.deployer.targets import Substitutions, dropped_converter_keys, for_target
from bifrost.engine.catalog.topics import TopicInfo
from bifrost.engine.functions.registry import FunctionRegistry, default_registry
from bifrost.engine.functions.udf import registry_of
from bifrost.engine.testing.offline_check import OfflineChecker
from bifrost.errors import DeclarationError, StatementError
from bifrost.sql.tree import CreateAsSelect, CreateSource, ParsedStatement

UDF_FOLDER = Path("ksql", "udf")
"""The folder of a project's own functions."""


def validate(project: Path, table: Substitutions) -> tuple[FileProblem, ...]:
    """All problems of a project's declarations, ordered by path and line.

    Args:
        table: the substitutions of the target.
    """
    broken: list[DeclarationError] = []
    declared = load(project, broken.append)
    found = [UNREADABLE.problem(error.path, error.line, error.problem) for error in broken]
    found += lint(declared)
    functions = _functions(project, found)
    found += _unknown_variables(declared, table)
    found += _dropped_keys(declared, table)
    found += _schemas(declared)
    found += _dashboards(declared)
    # What a broken file would have created is unknown, so missing names mean nothing then.
    if not broken:
        found += lint_together(declared)
        checker = _checker(declared, functions)
        wrong = list(_statements(declared, checker))
        # An alert on what a wrong statement would have created is not wrong itself.
        found += wrong or check_alerts(declared.alerts, checker.metastore)
    remaining = without_silenced(found, declared, RULES)
    return tuple(sorted(remaining, key=lambda problem: (str(problem.path), problem.line or 0)))


def refuse_file_problems(problems: Iterable[FileProblem]) -> None:
    """Raise if there is an error among the problems.

    Raises:
        DeclarationError: names every error; path and line are those of the first.
    """
    errors = [problem for problem in problems if problem.is_error]
    if errors:
        first, *others = errors
        more = "".join(f"\n{problem}" for problem in others)
        code = f" [{first.code}]" if first.code else ""
        raise DeclarationError(first.path, first.text + code + more, line=first.line)


def _unknown_variables(declared: Declarations, table: Substitutions) -> Iterator[FileProblem]:
    if table.variables is None:
        return
    originals = {connector.name: connector for connector in declared.connectors}
    for connector, key, name in unresolved(for_target(declared, table).connectors, table.variables):
        original = originals[connector.name]
        text = f"${{env:{name}}} is not set; set {name} in the environment or in .env"
        yield UNSET_VARIABLE.at_key(original, key, text)


def _dropped_keys(declared: Declarations, table: Substitutions) -> Iterator[FileProblem]:
    for connector in declared.connectors:
        for key in dropped_converter_keys(connector, table):
            text = "has no effect on this target, whose workers have another converter"
            yield DROPPED_KEY.at_key(connector, key, text)


def _schemas(declared: Declarations) -> Iterator[FileProblem]:
    for subject in declared.subjects:
        problem = avro_problem(json.loads(subject.schema))
        if problem is not None:
            yield NOT_AVRO.problem(subject.path, None, f"is not an Avro schema: {problem}")


def _dashboards(declared: Declarations) -> Iterator[FileProblem]:
    for dashboard in declared.dashboards:
        for error in search_problems(dashboard):
            yield WRONG_SEARCH.problem(error.path, error.line, error.problem)


def _functions(project: Path, found: list[FileProblem]) -> FunctionRegistry:
    """ksqlDB's functions and the project's own."""
    try:
        return registry_of(project / UDF_FOLDER)
    except DeclarationError as error:
        found.append(WRONG_FUNCTION.problem(error.path, error.line, error.problem))
        return default_registry()


def _checker(declared: Declarations, functions: FunctionRegistry) -> OfflineChecker:
    topics = {topic.name: TopicInfo(topic.partitions) for topic in declared.topics}
    sound = {subject.name: subject.schema for subject in declared.subjects if _is_avro(subject)}
    return OfflineChecker(subjects=sound, topics=topics, functions=functions)


def _statements(declared: Declarations, checker: OfflineChecker) -> Iterator[FileProblem]:
    """Checks names and types of all statements; one that reads a wrong one is not blamed for that."""
    wrong = {subject.name for subject in declared.subjects if not _is_avro(subject)}
    written = {item.topic for item in declared.statements if isinstance(item.tree, CreateAsSelect)}
    for statement in declared.statements:
        problems: list[FileProblem] = []
        reads_wrong_one = bool(wrong & {*statement.reads, statement.topic, *statement.awaited_subjects})
        if not reads_wrong_one:
            problems = list(_missing(statement, declared, written)) or _type_problems(statement, checker)
            yield from problems
        if reads_wrong_one or problems:
            wrong.add(statement.name)
            wrong |= {statement.topic} & written


def _type_problems(statement: DeclaredStatement, checker: OfflineChecker) -> list[FileProblem]:
    try:
        checker.check(ParsedStatement(statement.text, statement.tree, statement.line, 1), statement.properties)
    except StatementError as error:
        return [REFUSED.problem(statement.path, statement.line, f"{statement.name}: {error.message}")]
    return []


def _missing(statement: DeclaredStatement, declared: Declarations, written: set[str]) -> Iterator[FileProblem]:
    """What a statement needs and no file declares."""
    created = {other.name for other in declared.statements}
    topics = {topic.name for topic in declared.topics} | written
    subjects = {subject.name for subject in declared.subjects}
    for name in sorted(set(names_read(statement.tree)) - created):
        text = f"{statement.name} reads {name}, which no statement creates"
        yield UNKNOWN_SOURCE.problem(statement.path, statement.line, text)
    if not isinstance(statement.tree, CreateSource):
        return
    if statement.topic not in topics and "PARTITIONS" not in statement.tree.properties:
        text = f"{statement.name}: topic {statement.topic} is neither declared nor written by a query"
        yield UNKNOWN_TOPIC.problem(statement.path, statement.line, text)
    for subject in statement.awaited_subjects:
        if subject not in subjects and statement.topic not in written:
            text = f"{statement.name} takes columns from {subject}; topics/schemas/{subject}.avsc is missing"
            yield UNKNOWN_COLUMNS.problem(statement.path, statement.line, text)


def _is_avro(subject: DeclaredSubject) -> bool:
    return avro_problem(json.loads(subject.schema)) is None
