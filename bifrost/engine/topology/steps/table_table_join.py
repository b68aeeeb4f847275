"""Table-table join on equal keys: both sides' rows are stored; a change of one joins the other's present row."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.plan.steps import TableTableJoin
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, ordered_columns, tuple_text
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.operators.joiners import Side, TableJoiner
from bifrost.engine.topology.steps.joined_row import side_columns, unpack_optional


def build_table_table_join(step: TableTableJoin, downstream: Downstream, emission: Emission) -> Inlets:
    """Passes both sides' changes through one joiner; each side's code includes the steps behind the join."""
    wanted: dict[Side, tuple[str, ...]] = dict(
        zip(("left", "right"), side_columns(step, downstream.wants), strict=True)
    )
    left_store = emission.key_value_store(f"{step.context}-left-Table", wanted["left"])
    right_store = emission.key_value_store(f"{step.context}-right-Table", wanted["right"])
    joiner = emission.program.bind(
        "joiner",
        lambda context: TableJoiner(
            step.kind, context.key_value_store(left_store), context.key_value_store(right_store)
        ),
        left_store,
        right_store,
    )
    combine = _combining_function(step, wanted["left"], wanted["right"], downstream, emission)

    def change(side: Side) -> Downstream:
        def row(writer: CodeWriter, scope: RowScope) -> None:
            joined(writer, scope, f"{joiner}.{side}({scope.identity}, {scope.tuple_of(wanted[side])}, timestamp)")

        def tombstone(writer: CodeWriter, scope: RowScope) -> None:
            joined(writer, scope, f"{joiner}.{side}({scope.identity}, None, timestamp)")

        return Downstream(frozenset(wanted[side]), row, tombstone, OldRows.IF_KNOWN)

    def joined(writer: CodeWriter, scope: RowScope, call: str) -> None:
        writer.line(f"changed = {call}")
        with writer.block("if changed is None:"):
            writer.line("continue")
        writer.line("joined, before, timestamp = changed")
        after = replace(scope, timestamp="timestamp", old=None)
        if downstream.old is not OldRows.UNUSED:
            old = writer.name("old")
            writer.line(f"{old} = None if before is None else {combine}({scope.key}, before)")
            after = replace(after, old=old)
        with writer.block("if joined is None:"):
            downstream.write_tombstone(writer, after)
            writer.line("continue")
        writer.line("left_row, right_row = joined")
        left = unpack_optional(writer, wanted["left"], "left_row")
        right = unpack_optional(writer, wanted["right"], "right_row")
        downstream.row(writer, replace(after, columns={step.key_name: scope.key_columns[0], **left, **right}))

    yield Inlet(step.left, change("left"), emission)
    yield Inlet(step.right, change("right"), emission)


def _combining_function(
    step: TableTableJoin, left: tuple[str, ...], right: tuple[str, ...], downstream: Downstream, emission: Emission
) -> str:
    """Generates a function of (key, (left row, right row)): the tuple of the wanted columns."""

    def write(writer: CodeWriter, places: dict[str, str]) -> None:
        writer.line("left_row, right_row = row")
        found = {step.key_name: "key[0]"}
        found |= unpack_optional(writer, left, "left_row")
        found |= unpack_optional(writer, right, "right_row")
        writer.line(f"return {tuple_text(found[name] for name in ordered_columns(step.schema, downstream.wants))}")

    return emission.expressions.row_function("combined", (), (), write)
