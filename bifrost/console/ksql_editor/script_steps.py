"""Splits what was entered into steps, and says of each how it runs and what it loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bifrost.operations.changing_statements import is_change, shown_text
from bifrost.sql.lexer import SourceText, TokenKind, tokenize
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import (
    CreateAsSelect,
    CreateSource,
    DefineVariable,
    DropConnector,
    DropSource,
    DropType,
    ParsedStatement,
    PrintTopic,
    Query,
    SetProperty,
    Statement,
    TerminateQuery,
    UndefineVariable,
    UnsetProperty,
)


class StepKind(StrEnum):
    """How a step runs."""

    SET = "set"
    UNSET = "unset"
    DEFINE = "define"
    UNDEFINE = "undefine"
    PUSH = "push"
    PULL = "pull"
    PRINT = "print"
    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement; `line` and `column` of its beginning count from 1 in the text that was entered.

    `name` and `value` are those of SET, UNSET, DEFINE and UNDEFINE. `loses` says what the statement removes or
    replaces, and is empty for others. `has_secrets` keeps a statement out of the page's history.
    """

    text: str
    kind: StepKind
    line: int
    column: int
    loses: str = ""
    name: str = ""
    value: str = ""
    has_secrets: bool = False


def steps_of(text: str, variables: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps of a text, with variables replaced. The last statement may lack its `;`.

    Raises:
        StatementError: a statement cannot be parsed.
    """
    return tuple(map(_step, parse_script(_with_semicolon(text), variables)))


def _with_semicolon(text: str) -> str:
    tokens = [token for token in tokenize(SourceText(text)) if token.kind is not TokenKind.END]
    # On a new line: the text may end with a comment.
    return text if not tokens or tokens[-1].value == ";" else f"{text}\n;"


def loss_of(tree: Statement) -> str:
    """What a statement removes or replaces for good; empty if nothing."""
    match tree:
        case DropSource(kind=kind, name=name, delete_topic=True):
            return f"Removes the {kind.value.lower()} {name}, the query that writes it, and its topic with all records."
        case DropSource(kind=kind, name=name):
            return f"Removes the {kind.value.lower()} {name} and the query that writes it. Its topic stays."
        case DropType(name=name):
            return f"Removes the type {name}."
        case DropConnector(name=name):
            return f"Stops and removes the connector {name}."
        case TerminateQuery(query_id=None):
            return "Ends all queries for good. Their state is removed."
        case TerminateQuery(query_id=query_id):
            return f"Ends the query {query_id} for good. Its state is removed."
        case (
            CreateSource(kind=kind, name=name, or_replace=True) | CreateAsSelect(kind=kind, name=name, or_replace=True)
        ):
            return f"Replaces the {kind.value.lower()} {name} if it exists, and what its query does from now on."
        case _:
            return ""


def _step(statement: ParsedStatement) -> Step:
    tree = statement.tree
    kind, name, value = _kind_of(tree), "", ""
    match tree:
        case SetProperty() | DefineVariable():
            name, value = tree.name, tree.value
        case UnsetProperty() | UndefineVariable():
            name = tree.name
    return Step(
        text=statement.text,
        kind=kind,
        line=statement.line,
        column=statement.column,
        loses=loss_of(tree),
        name=name,
        value=value,
        has_secrets=shown_text(statement) != statement.text,
    )


def _kind_of(tree: Statement) -> StepKind:
    match tree:
        case SetProperty():
            return StepKind.SET
        case UnsetProperty():
            return StepKind.UNSET
        case DefineVariable():
            return StepKind.DEFINE
        case UndefineVariable():
            return StepKind.UNDEFINE
        case PrintTopic():
            return StepKind.PRINT
        case Query(emit=None):
            return StepKind.PULL
        case Query():
            return StepKind.PUSH
        case _:
            return StepKind.CHANGE if is_change(tree) else StepKind.READ
