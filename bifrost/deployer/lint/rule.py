"""A rule with its code and explanation, and a problem that it finds in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bifrost.deployer.declared.declarations import DeclaredConnector
from bifrost.deployer.declared.files import line_of


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something wrong in a file: an error or a warning; `code` is that of its rule."""

    path: Path
    line: int | None
    text: str
    is_error: bool = True
    code: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else f"{self.path}"
        code = f" [{self.code}]" if self.code else ""
        return f"{place}: {'' if self.is_error else 'warning: '}{self.text}{code}"


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule. `why` says what happens otherwise, `fix` what to do, `example` is a part of a file that is right.

    `can_silence` is false where nothing could run with the problem.
    """

    code: str
    title: str
    why: str
    fix: str
    example: str
    is_error: bool = False
    can_silence: bool = True

    def problem(self, path: Path, line: int | None, text: str) -> FileProblem:
        """A problem of this rule."""
        return FileProblem(path, line, text, self.is_error, self.code)

    def in_connector(self, connector: DeclaredConnector, text: str) -> FileProblem:
        """A problem of a whole connector."""
        return self.problem(connector.path, None, text)

    def at_key(self, connector: DeclaredConnector, key: str, text: str) -> FileProblem:
        """A problem at the line of a connector's key."""
        line = line_of(connector.path.read_text(encoding="utf-8"), key)
        return self.problem(connector.path, line, f"{key}: {text}")
