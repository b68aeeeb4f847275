"""The code that joins share: the columns of both sides, and rows that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bifrost.engine.catalog.schema import LogicalSchema
from bifrost.engine.plan.steps import StreamStreamJoin, TableTableJoin
from bifrost.engine.topology.code.downstream import RowScope, key_parts, ordered_columns, unpack
from bifrost.engine.topology.code.writer import CodeWriter


def unpack_optional(writer: CodeWriter, names: tuple[str, ...], source: str) -> Mapping[str, str]:
    """Writes the unpacking of a row that may be missing; then all its columns are null."""
    return unpack(writer, names, f"{source} if {source} is not None else {(None,) * len(names)}")


def write_identity_key(writer: CodeWriter, identity: str, scope: RowScope, schema: LogicalSchema) -> RowScope:
    """Writes the conversion of a store's key to the key columns and the window."""
    if scope.window is not None:
        writer.line(f"*key, window_start, window_end = {identity}")
        writer.line("key = thaw_key(key)")
    else:
        writer.line(f"key = {identity if scope.plain_key else f'thaw_key({identity})'}")
    window = ("window_start", "window_end") if scope.window is not None else None
    return replace(scope, key="key", key_columns=key_parts("key", schema.key, nullable=False), window=window)


def side_columns(
    step: StreamStreamJoin | TableTableJoin, wants: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the wanted columns of the left and of the right side, in the order of their rows."""
    return ordered_columns(step.left.schema, wants), ordered_columns(step.right.schema, wants)
