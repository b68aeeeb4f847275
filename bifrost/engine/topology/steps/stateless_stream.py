"""Stateless steps of streams."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.plan.steps import (
    StreamFilter,
    StreamFlatMap,
    StreamSelect,
    StreamSelectKey,
    TableSelect,
    TableSelectKey,
)
from bifrost.engine.state.frozen import is_plain
from bifrost.engine.topology.code.downstream import Downstream, RowScope, tuple_text
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter


def build_stream_filter(step: StreamFilter, downstream: Downstream, emission: Emission) -> Inlets:
    """Skips rows for which the predicate does not hold, and null values."""
    types = step.source.schema.types()

    def row(writer: CodeWriter, scope: RowScope) -> None:
        holds = emission.expressions.condition(writer, step.predicate, types, scope.columns, step.context)
        with writer.block(f"if not {holds}:"):
            writer.line("continue")
        downstream.row(writer, scope)

    yield Inlet(step.source, Downstream(downstream.wants | columns_in(step.predicate), row, None), emission)


def build_stream_select(step: StreamSelect, downstream: Downstream, emission: Emission) -> Inlets:
    """Computes only the select items that later steps use; a null value stays null."""
    wants = select_wants(step, downstream.wants)

    def row(writer: CodeWriter, scope: RowScope) -> None:
        downstream.row(writer, selected_scope(writer, step, downstream.wants, scope, emission))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        downstream.write_tombstone(writer, selected_key(step, scope))

    yield Inlet(step.source, Downstream(wants, row, tombstone), emission)


def select_wants(step: StreamSelect | TableSelect, wants: frozenset[str]) -> frozenset[str]:
    """Returns the columns of the source that a projection needs for the wanted ones."""
    return columns_in(*(item.expression for item in step.selects if item.name in wants))


def selected_scope(
    writer: CodeWriter, step: StreamSelect | TableSelect, wants: frozenset[str], scope: RowScope, emission: Emission
) -> RowScope:
    """Writes the wanted select items and returns the scope of the projected row."""
    types = step.source.schema.types()
    places = {
        item.name: emission.expressions.value(writer, item.expression, item.name, types, scope.columns, step.context)
        for item in step.selects
        if item.name in wants
    }
    keyed = selected_key(step, scope)
    return replace(keyed, columns={**keyed.columns, **places})


def selected_key(step: StreamSelect | TableSelect, scope: RowScope) -> RowScope:
    """Returns the scope with only the key columns of a projection, under their new names."""
    key_columns = scope.key_columns
    if step.selected_key is not None:
        key_columns = tuple(scope.key_columns[index] for index in step.selected_key)
    key = scope.key if key_columns == scope.key_columns else tuple_text(key_columns)
    names = step.key_names or tuple(column.name for column in step.schema.key)
    columns = dict(zip(names, key_columns, strict=False))
    return replace(scope, columns=columns, key=key, key_columns=key_columns)


def build_stream_flat_map(step: StreamFlatMap, downstream: Downstream, emission: Emission) -> Inlets:
    """Emits a row per item of the longest list of the table functions; shorter lists are padded with nulls."""
    types = step.source.schema.types()
    made = tuple(column.name for column in step.schema.value)[-len(step.functions) :]

    def row(writer: CodeWriter, scope: RowScope) -> None:
        lists = [
            emission.expressions.table_call(writer, call, types, scope.columns, step.context) for call in step.functions
        ]
        places = [writer.name(name) for name in made]
        source = f"zip_longest({', '.join(lists)})" if len(lists) > 1 else f"[(item,) for item in {lists[0]}]"
        with writer.block(f"for {', '.join(places)}, in {source}:"):
            columns = {**scope.columns, **dict(zip(made, places, strict=True))}
            downstream.row(writer, replace(scope, columns=columns))

    yield Inlet(
        step.source, Downstream(downstream.wants - set(made) | columns_in(*step.functions), row, None), emission
    )


def build_stream_select_key(step: StreamSelectKey, downstream: Downstream, emission: Emission) -> Inlets:
    """Sets a new key; a later step that needs equal keys in one task repartitions (see `build_partitioned`)."""
    yield from build_key_change(step, downstream, emission)


def build_key_change(step: StreamSelectKey | TableSelectKey, downstream: Downstream, emission: Emission) -> Inlets:
    """Sets a new key. A null value gets the parts of the new key that follow from the old key."""
    types = step.source.schema.types()
    names = tuple(column.name for column in step.schema.key)
    plain = all(is_plain(column.type) for column in step.schema.key)

    def rekeyed(writer: CodeWriter, scope: RowScope) -> RowScope:
        places = tuple(
            emission.expressions.value(writer, expression, name, types, scope.columns, step.context)
            if columns_in(expression) <= scope.columns.keys()
            else "None"
            for name, expression in zip(names, step.keys, strict=True)
        )
        key = writer.name("key")
        writer.line(f"{key} = {tuple_text(places)}")
        columns = {**scope.columns, **dict(zip(names, places, strict=True))}
        window = scope.window if step.formats.key.window is not None else None
        return replace(
            scope, columns=columns, key=key, key_columns=places, plain_key=plain, has_key=False, window=window
        )

    def row(writer: CodeWriter, scope: RowScope) -> None:
        downstream.row(writer, rekeyed(writer, scope))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        columns = dict(zip((column.name for column in step.source.schema.key), scope.key_columns, strict=True))
        downstream.write_tombstone(writer, rekeyed(writer, replace(scope, columns=columns)))

    source_names = {column.name for column in step.source.schema}
    wants = columns_in(*step.keys) | frozenset(
        name for name in downstream.wants if name in source_names or name not in names
    )
    yield Inlet(step.source, Downstream(wants, row, tombstone), emission)
