"""The picture of a query: the steps of its execution plan with their places, from the sources at the top to the sink.

The steps come from the text of EXPLAIN, which the embedded engine and ksqlDB write alike:

     > [ SINK ] | Schema: N STRING KEY, CNT BIGINT | Logger: CTAS_T_2.T
             > [ AGGREGATE ] | Schema: ... | Logger: CTAS_T_2.Aggregate.Aggregate
                     > [ SOURCE ] | Schema: ... | Logger: CTAS_T_2.KsqlTopic.Source

Conditions and names of sources are not in it; they come from the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from bifrost.errors import StatementError
from bifrost.sql.format_expressions import format_expression
from bifrost.sql.format_queries import format_window
from bifrost.sql.parser import parse_statement
from bifrost.sql.tree import AliasedSource, CreateAsSelect, InsertSelect, Join, Query, Relation

Json = Mapping[str, Any]
_LINE = re.compile(r"^(\s*)> \[ (\w+) \] \| Schema: (.*?) \| Logger: (\S+)\s*$", re.M)
_WORDS = {
    "SOURCE": "Source",
    "FILTER": "Filter",
    "PROJECT": "Project",
    "FLAT_MAP": "Explode",
    "REKEY": "Change key",
    "GROUP_BY": "Group",
    "AGGREGATE": "Aggregate",
    "JOIN": "Join",
    "SUPPRESS": "Final results only",
    "SINK": "Sink",
}
WIDTH, HEIGHT, GAP_X, GAP_Y = 152, 54, 14, 26
"""The size of a step and the space between two, in pixels. Two steps side by side fit the width of a phone."""


@dataclass(slots=True)
class _Step:
    """A step; `inputs` are numbers of the steps that feed it, `place` is its logger without the query's id."""

    kind: str
    columns: tuple[str, ...]
    place: str
    depth: int
    inputs: list[int] = field(default_factory=list)
    x: float = 0.0
    word: str = ""
    caption: str = ""


def picture_of(query: Json) -> Json | None:
    """The picture of a query as EXPLAIN describes it; `None` if it has no execution plan.

    `steps` have `kind`, `word`, `caption`, `columns`, `inputs` (numbers of steps) and a place (`x`, `y` in pixels);
    `order` lists their numbers from the sources to the sink.
    """
    steps = _read_steps(str(query.get("executionPlan") or ""), str(query.get("id") or ""))
    if not steps:
        return None
    width = _arrange(steps)
    _add_captions(steps, query)
    deepest = max(step.depth for step in steps)
    return {
        "title": str(query.get("id") or ""),
        "width": width,
        "height": (deepest + 1) * (HEIGHT + GAP_Y) - GAP_Y,
        "size": [WIDTH, HEIGHT],
        "steps": [_as_json(step, (deepest - step.depth) * (HEIGHT + GAP_Y)) for step in steps],
        "order": list(_from_sources(steps, 0)),
    }


def _as_json(step: _Step, y: int) -> Json:
    return {
        "kind": step.kind.lower(),
        "word": step.word,
        "caption": step.caption,
        "columns": list(step.columns),
        "inputs": step.inputs,
        "x": step.x,
        "y": y,
    }


def _read_steps(plan: str, query_id: str) -> list[_Step]:
    """The steps in the order of the text: the last step first."""
    steps: list[_Step] = []
    path: list[int] = []  # the numbers of the steps that the next line may feed, by depth
    for indent, kind, schema, logger in _LINE.findall(plan):
        depth = indent.count("\t") // 2
        del path[depth:]
        place = logger.removeprefix(f"{query_id}.")
        steps.append(_Step(kind, _columns(schema), place, len(path)))
        if path:
            steps[path[-1]].inputs.append(len(steps) - 1)
        path.append(len(steps) - 1)
    return steps


def _columns(schema: str) -> tuple[str, ...]:
    """`A STRING KEY, B STRUCT<X INTEGER, Y INTEGER>` as its columns."""
    columns, depth, is_quoted = [""], 0, False
    for sign in schema:
        is_quoted ^= sign == "`"
        depth += 0 if is_quoted else (sign in "<(") - (sign in ">)")
        if sign == "," and not depth and not is_quoted:
            columns.append("")
        else:
            columns[-1] += sign
    return tuple(column.strip() for column in columns if column.strip())


def _arrange(steps: list[_Step]) -> int:
    """Sources side by side, every other step below the middle of its inputs. Returns the width."""
    leaves = 0
    for step in reversed(steps):
        if step.inputs:
            step.x = (steps[step.inputs[0]].x + steps[step.inputs[-1]].x) / 2
        else:
            step.x = leaves * (WIDTH + GAP_X)
            leaves += 1
    # Inputs are read from last to first: mirrored, the left input is on the left.
    width = leaves * (WIDTH + GAP_X) - GAP_X
    for step in steps:
        step.x = width - WIDTH - step.x
    return width


def _from_sources(steps: list[_Step], number: int) -> Iterator[int]:
    for found in steps[number].inputs:
        yield from _from_sources(steps, found)
    yield number


def _add_captions(steps: list[_Step], query: Json) -> None:
    parsed = _parsed(str(query.get("statementText") or ""))
    for step in steps:
        step.word = _WORDS.get(step.kind, step.kind.replace("_", " ").capitalize())
        step.caption = _count(len(step.columns))
        if step.kind == "SINK":
            step.caption = ", ".join(query.get("sinks") or ()) or step.place
    relations = list(_joins(parsed.source)) if parsed is not None else []
    joins = [step for step in steps if step.kind == "JOIN"]
    names = list(_sources(parsed.source)) if parsed is not None else list(query.get("sources") or ())
    sources = [step for step in steps if step.kind == "SOURCE"]
    # Only if each step has its own: a wrong name would be worse than none.
    if len(joins) == len(relations):
        for step, join in zip(joins, relations, strict=True):
            step.word, step.caption = (
                f"{join.kind.value.capitalize()} join",
                _unwrapped(format_expression(join.criteria)),
            )
    if len(sources) == len(names):
        for step, name in zip(sources, names, strict=True):
            step.caption = name
    if parsed is not None:
        for step in steps:
            step.caption = _clause(step, parsed) or step.caption


def _clause(step: _Step, query: Query) -> str:
    match step.kind:
        case "FILTER" if "Having" in step.place:
            return _unwrapped(format_expression(query.having)) if query.having is not None else ""
        case "FILTER":
            return _unwrapped(format_expression(query.where)) if query.where is not None else ""
        case "GROUP_BY":
            return ", ".join(map(format_expression, query.group_by))
        case "AGGREGATE" if query.window is not None:
            return format_window(query.window)
        case "REKEY" if query.partition_by and "Join" not in step.place and "Keyed" not in step.place:
            return ", ".join(map(format_expression, query.partition_by))
        case _:
            return ""


def _unwrapped(text: str) -> str:
    """The text without brackets around the whole."""
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in text))
    return text[1:-1] if text.startswith("(") and depths and 0 not in depths[:-1] else text


def _parsed(statement: str) -> Query | None:
    with suppress(StatementError):
        match parse_statement(statement if statement.rstrip().endswith(";") else f"{statement};").tree:
            case Query() as query:
                return query
            case CreateAsSelect(query=query) | InsertSelect(query=query):
                return query
    return None


def _joins(relation: Relation) -> Iterator[Join]:
    """The outermost join first, as plans list them."""
    if isinstance(relation, Join):
        yield relation
        yield from _joins(relation.left)


def _sources(relation: Relation) -> Iterator[str]:
    match relation:
        case Join(left=left, right=right):
            yield from _sources(left)
            yield right.name
        case AliasedSource(name=name):
            yield name


def _count(columns: int) -> str:
    return f"{columns} column{'' if columns == 1 else 's'}"
