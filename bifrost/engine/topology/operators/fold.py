"""Combines the aggregates of a group into generated functions that work on all states without loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bifrost.engine.functions.aggregates.basic import result as unchanged
from bifrost.engine.functions.registry import ResolvedAggregate
from bifrost.engine.state.stores import Row
from bifrost.engine.topology.code.downstream import tuple_text
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.sql.types import SqlValue

Values = tuple[tuple[SqlValue, ...], ...]
"""The arguments by aggregate."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Functions on stored rows: the columns of a group's last row, then the state of each aggregate.

    `add(stored or None, group_columns, values)` adds a row, `remove` removes it, `merge(older, newer)` merges two
    sessions; `result` converts states to values; `empty()` returns the states before the first row. `group_columns` are
    the columns that are stored as they are. No function changes its arguments.
    """

    empty: Callable[[], Row]
    add: Callable[[Row | None, Row, Values], Row]
    remove: Callable[[Row, Row, Values], Row]
    merge: Callable[[Row, Row], Row]
    result: Callable[[Row], Row]

    @classmethod
    def of(cls, group_columns: int, parts: Sequence[ResolvedAggregate]) -> Fold:
        """Generates the functions for `group_columns` and these aggregates."""
        namespace: dict[str, Any] = {}
        for number, part in enumerate(parts):
            for name in ("initialize", "add", "remove", "merge", "result"):
                namespace[f"{name}_{number}"] = getattr(part, name)
        writers = (
            _empty(parts),
            _add(group_columns, parts),
            _remove(group_columns, parts),
            _merge(group_columns, parts),
            _result(group_columns, parts),
        )
        text = "\n\n".join(writer.text() for writer in writers)
        exec(compile(text, "<fold>", "exec"), namespace)  # noqa: S102 - generated: only numbers enter the text
        return cls(
            empty=cast(Callable[[], Row], namespace["empty"]),
            add=cast(Callable[[Row | None, Row, Values], Row], namespace["add"]),
            remove=cast(Callable[[Row, Row, Values], Row], namespace["remove"]),
            merge=cast(Callable[[Row, Row], Row], namespace["merge"]),
            result=cast(Callable[[Row], Row], namespace["result"]),
        )


def _states(parts: Sequence[ResolvedAggregate], prefix: str = "state") -> list[str]:
    return [f"{prefix}_{number}" for number in range(len(parts))]


def _arguments(number: int, part: ResolvedAggregate) -> list[str]:
    return [f"value_{number}_{position}" for position in range(len(part.parameters))]


def _row(group_columns: Sequence[str], states: Sequence[str]) -> str:
    """Returns the source of a stored row, or of the names that one is unpacked into."""
    return tuple_text([*group_columns, *states])


def _names(group_columns: int) -> list[str]:
    return [f"kept_{number}" for number in range(group_columns)]


def _unpack_values(writer: CodeWriter, parts: Sequence[ResolvedAggregate]) -> None:
    writer.line(f"{tuple_text(tuple_text(_arguments(*part)) for part in enumerate(parts))} = values")


def _empty(parts: Sequence[ResolvedAggregate]) -> CodeWriter:
    writer = CodeWriter("empty()")
    writer.line(f"return {tuple_text(f'initialize_{number}()' for number in range(len(parts)))}")
    return writer


def _add(group_columns: int, parts: Sequence[ResolvedAggregate]) -> CodeWriter:
    writer = CodeWriter("add(stored, group_columns, values)")
    with writer.block("if stored is None:"):
        writer.line(f"{_row([], _states(parts))} = empty()")
    with writer.block("else:"):
        writer.line(f"{_row(_names(group_columns), _states(parts))} = stored")
    _unpack_values(writer, parts)
    calls = [
        f"add_{number}({', '.join([f'state_{number}', *_arguments(number, part)])})"
        for number, part in enumerate(parts)
    ]
    # The columns of the group's last row replace the stored ones.
    writer.line(f"return {_row(['*group_columns'] if group_columns else [], calls)}")
    return writer


def _remove(group_columns: int, parts: Sequence[ResolvedAggregate]) -> CodeWriter:
    writer = CodeWriter("remove(stored, group_columns, values)")
    writer.line(f"{_row(_names(group_columns), _states(parts))} = stored")
    _unpack_values(writer, parts)
    left = [
        f"remove_{number}({', '.join([f'state_{number}', *_arguments(number, part)])})"
        if part.remove is not None
        else f"state_{number}"
        for number, part in enumerate(parts)
    ]
    writer.line(f"return {_row(['*group_columns'] if group_columns else [], left)}")
    return writer


def _merge(group_columns: int, parts: Sequence[ResolvedAggregate]) -> CodeWriter:
    writer = CodeWriter("merge(older, newer)")
    # The merged session has the columns of the newer one.
    ignored = ["_"] * group_columns
    writer.line(f"{_row(ignored, _states(parts, 'older'))} = older")
    writer.line(f"{_row(_names(group_columns), _states(parts, 'newer'))} = newer")
    merged = [
        f"merge_{number}(older_{number}, newer_{number})" if part.merge is not None else f"newer_{number}"
        for number, part in enumerate(parts)
    ]
    writer.line(f"return {_row(_names(group_columns), merged)}")
    return writer


def _result(group_columns: int, parts: Sequence[ResolvedAggregate]) -> CodeWriter:
    writer = CodeWriter("result(stored)")
    # Most aggregates (COUNT, SUM, MAX, ...) have their value as state: then a stored row is a result row.
    if all(part.result is unchanged for part in parts):
        writer.line("return stored")
        return writer
    writer.line(f"{_row(_names(group_columns), _states(parts))} = stored")
    shown = [
        f"state_{number}" if part.result is unchanged else f"result_{number}(state_{number})"
        for number, part in enumerate(parts)
    ]
    writer.line(f"return {_row(_names(group_columns), shown)}")
    return writer
