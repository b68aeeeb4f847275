"""Stream-stream join: rows with equal keys that are close in time meet in buffers of both sides."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.catalog.schema import Formats
from bifrost.engine.plan.steps import Step, StreamStreamJoin
from bifrost.engine.topology.code.downstream import Downstream, RowScope
from bifrost.engine.topology.code.emission import Emission, Inlets
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.operators.joiners import Side, StreamJoiner
from bifrost.engine.topology.operators.windows import DAY_MS
from bifrost.engine.topology.steps.group_by import write_null_key_test
from bifrost.engine.topology.steps.joined_row import side_columns, unpack_optional, write_identity_key
from bifrost.engine.topology.steps.repartition import build_partitioned
from bifrost.engine.topology.task_context import TaskContext
from bifrost.sql.tree import JoinKind


def build_stream_stream_join(step: StreamStreamJoin, downstream: Downstream, emission: Emission) -> Inlets:
    """Passes both sides' rows through one joiner; each side's code includes the steps behind the join."""
    wanted: dict[Side, tuple[str, ...]] = dict(
        zip(("left", "right"), side_columns(step, downstream.wants), strict=True)
    )
    joiner = _declare_joiner(step, wanted, emission)

    def arrive(side: Side) -> Downstream:
        def row(writer: CodeWriter, scope: RowScope) -> None:
            write_null_key_test(writer, scope)
            call = f"{joiner}.{side}({scope.identity}, {scope.tuple_of(wanted[side])}, {scope.timestamp})"
            with writer.block(f"for identity, left_row, right_row, timestamp in {call}:"):
                joined = write_identity_key(writer, "identity", scope, step.schema)
                left = unpack_optional(writer, wanted["left"], "left_row")
                right = unpack_optional(writer, wanted["right"], "right_row")
                columns = {step.key_name: joined.key_columns[0], **left, **right}
                downstream.row(writer, replace(joined, columns=columns, timestamp="timestamp"))

        return Downstream(frozenset(wanted[side]), row, None)

    def source(side: Side, source: Step, formats: Formats) -> Inlets:
        return build_partitioned(source, arrive(side), emission, formats.key, f"{step.context}-{side}")

    yield from source("left", step.left, step.left_formats)
    yield from source("right", step.right, step.right_formats)


def _declare_joiner(step: StreamStreamJoin, wanted: dict[Side, tuple[str, ...]], emission: Emission) -> str:
    """Declares the buffers; returns the name of the joiner, of which every task has its own."""
    span = step.before_ms + step.after_ms
    # Without GRACE, as in ksqlDB: rows may be up to a day late, and unmatched rows are emitted immediately.
    grace = max(DAY_MS - span, 0) if step.grace_ms is None else step.grace_ms
    sides: tuple[Side, Side] = ("left", "right")
    # A row is needed until no row of the other side that could match it is accepted any more.
    buffers = {
        side: emission.buffer(f"{step.context}-{side}", wanted[side], retention_ms=span + grace) for side in sides
    }
    holds_back = step.grace_ms is not None and step.kind is not JoinKind.INNER
    names = {side: f"{step.context}-{side}-unmatched" for side in sides} if holds_back else {}
    unmatched = {side: emission.buffer(name, wanted[side]) for side, name in names.items()}

    def make(context: TaskContext) -> StreamJoiner:
        return StreamJoiner(
            step.kind,
            {side: context.join_buffer(name) for side, name in buffers.items()},
            {side: context.join_buffer(name) for side, name in unmatched.items()} if holds_back else None,
            before_ms=step.before_ms,
            after_ms=step.after_ms,
            grace_ms=grace,
        )

    return emission.program.bind("joiner", make, *buffers.values(), *unmatched.values())
