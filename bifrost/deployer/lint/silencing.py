"""Rules that a file silences: a key of JSON objects, a comment in SQL and TOML files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bifrost.alerts import LINT_KEY
from bifrost.deployer.declared.declarations import Declarations, DeclaredStatement
from bifrost.deployer.declared.files import line_of
from bifrost.deployer.lint.other_rules import UNKNOWN_CODE
from bifrost.deployer.lint.rule import FileProblem, LintRule

_COMMENT = re.compile(r"(?:--|#)\s*lint:\s*ignore\s+([\w ,]+)", re.IGNORECASE)
WHOLE_FILE = None
Silenced = dict[tuple[Path, int | None], set[str]]
"""Codes by file and line; the line is `None` where the whole file is meant."""


def without_silenced(
    problems: Iterable[FileProblem], declared: Declarations, rules: Mapping[str, LintRule]
) -> Iterator[FileProblem]:
    """The problems whose rules no file silences, and those codes in files that are no rules."""
    silenced: Silenced = {}
    for path, line, codes in _comments_and_keys(declared):
        silenced.setdefault((path, line), set()).update(codes)
        for code in codes:
            if code not in rules:
                yield UNKNOWN_CODE.problem(path, line or _line(path, code), f"{code} is not the code of a rule")
    for problem in problems:
        rule = rules.get(problem.code)
        is_silenced = any(problem.code in silenced.get((problem.path, line), ()) for line in (WHOLE_FILE, problem.line))
        if not is_silenced or (rule is not None and not rule.can_silence):
            yield problem


def _comments_and_keys(declared: Declarations) -> Iterator[tuple[Path, int | None, frozenset[str]]]:
    for connector in declared.connectors:
        yield connector.path, WHOLE_FILE, connector.lint_ignore
    for topic in declared.topics:
        if topic.lint_ignore:
            yield topic.path, line_of(topic.path.read_text(encoding="utf-8"), topic.name), topic.lint_ignore
    by_file: dict[Path, list[DeclaredStatement]] = {}
    for statement in declared.statements:
        by_file.setdefault(statement.path, []).append(statement)
    for path, statements in by_file.items():
        yield from _in_sql(path, statements)
    for alert in declared.alerts:
        yield alert.path, WHOLE_FILE, codes_of(alert.lint_ignore)
        for found in _COMMENT.finditer(alert.path.read_text(encoding="utf-8")):
            yield alert.path, WHOLE_FILE, codes_of(found[1])


def _in_sql(path: Path, statements: list[DeclaredStatement]) -> Iterator[tuple[Path, int, frozenset[str]]]:
    """A comment silences rules for the statement that it is in, or else for the next one."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = _COMMENT.search(line)
        if found is None:
            continue
        ends = ((item.line + item.text.rstrip().count("\n"), item.line) for item in statements)
        target = min((end_and_line for end_and_line in ends if end_and_line[0] >= number), default=None)
        if target is not None:
            yield path, target[1], codes_of(found[1])


def codes_of(text: str) -> frozenset[str]:
    """The codes in a text, which commas or blanks separate."""
    return frozenset(code.upper() for code in re.split(r"[\s,]+", text) if code)


def _line(path: Path, code: str) -> int | None:
    """The line that silences a code in a JSON file."""
    text = path.read_text(encoding="utf-8")
    position = text.find(LINT_KEY)
    return None if position < 0 or code not in text.upper() else text.count("\n", 0, position) + 1
