"""All declarations checked with nothing running: files, names, known traps, and the types of all statements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bifrost.deployer.check import unresolved
from bifrost.deployer.declared import Declarations, DeclaredStatement
from bifrost.deployer.files import load
from bifrost.deployer.lint import Problem, at_key, lint, lint_together
from bifrost.deployer.schemas import avro_problem
from bifrost.deployer.statement_files import names_read
from bifrost.deployer.targets import Substitutions, mapped
from bifrost.errors import DeclarationError
from bifrost.sql.tree import CreateSource


def validate(project: Path, table: Substitutions) -> tuple[Problem, ...]:
    """Everything that is wrong with a project's declarations, in the order of the files' paths and lines.

    Args:
        table: the substitutions of the target that they are meant for.
    """
    broken: list[DeclarationError] = []
    declared = load(project, broken.append)
    found = [Problem(error.path, error.line, error.problem) for error in broken]
    found += lint(declared)
    found += _unknown_variables(declared, table)
    found += _schemas(declared)
    # What a broken file would have created is unknown: then names that are missing mean nothing.
    if not broken:
        found += lint_together(declared)
        found += _names(declared)
    return tuple(sorted(found, key=lambda problem: (str(problem.path), problem.line or 0)))


def _unknown_variables(declared: Declarations, table: Substitutions) -> Iterator[Problem]:
    if table.variables is None:
        return
    originals = {connector.name: connector for connector in declared.connectors}
    for connector, key, name in unresolved(mapped(declared, table).connectors, table.variables):
        original = originals[connector.name]
        yield at_key(original, key, f"${{env:{name}}} is not set; set {name} in the environment or in .env")


def _schemas(declared: Declarations) -> Iterator[Problem]:
    for subject in declared.subjects:
        problem = avro_problem(json.loads(subject.schema))
        if problem is not None:
            yield Problem(subject.path, None, f"is not an Avro schema: {problem}")


def _names(declared: Declarations) -> Iterator[Problem]:
    created = {statement.name for statement in declared.statements}
    topics = {topic.name for topic in declared.topics}
    topics |= {item.topic for item in declared.statements if not isinstance(item.tree, CreateSource)}
    subjects = {subject.name for subject in declared.subjects}
    for statement in declared.statements:
        for name in sorted(set(names_read(statement.tree)) - created):
            yield _at(statement, f"{statement.name} reads {name}, which no statement creates")
        if isinstance(statement.tree, CreateSource) and statement.topic not in topics:
            if "PARTITIONS" not in statement.tree.properties:
                yield _at(
                    statement, f"{statement.name}: topic {statement.topic} is neither declared nor written by a query"
                )
        yield from _awaited(statement, declared, subjects)


def _awaited(statement: DeclaredStatement, declared: Declarations, subjects: set[str]) -> Iterator[Problem]:
    written = {item.topic for item in declared.statements if not isinstance(item.tree, CreateSource)}
    for subject in statement.awaited_subjects:
        if subject not in subjects and statement.topic not in written:
            text = f"{statement.name} takes columns from {subject}; topics/schemas/{subject}.avsc is missing"
            yield _at(statement, text)


def _at(statement: DeclaredStatement, text: str) -> Problem:
    return Problem(statement.path, statement.line, text)
