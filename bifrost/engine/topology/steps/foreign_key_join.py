"""Foreign-key join: the code around `foreign_key_joiners`, and its two topics."""

from __future__ import annotations

from dataclasses import replace

from bifrost.engine.catalog.schema import KeyFormat
from bifrost.engine.plan.steps import (
    ForeignKeyTableTableJoin,
    Step,
    StreamAggregate,
    StreamWindowedAggregate,
    TableAggregate,
    TableSelectKey,
    TableSource,
    sources_of,
)
from bifrost.engine.topology.code.downstream import Downstream, OldRows, RowScope, null_test, ordered_columns, unpack
from bifrost.engine.topology.code.emission import Emission, Inlet, Inlets
from bifrost.engine.topology.code.expressions import columns_in
from bifrost.engine.topology.code.writer import CodeWriter
from bifrost.engine.topology.operators.foreign_key_joiners import ForeignKeyLeft, ForeignKeyRight
from bifrost.engine.topology.steps.joined_row import unpack_optional
from bifrost.engine.topology.steps.repartition import Route
from bifrost.engine.topology.steps.row_before import stored_rows
from bifrost.sql.tree import JoinKind


def build_foreign_key_join(step: ForeignKeyTableTableJoin, downstream: Downstream, emission: Emission) -> Inlets:
    """Processes left changes and answers in the left table's task, right changes and subscriptions in the right's."""
    if downstream.old is OldRows.REQUIRED:
        downstream = stored_rows(downstream, step.schema, f"{step.context}-Joined", emission)
    # Two tasks: rows of the left table live where its key is, rows of the right table where the foreign key is.
    right_emission = emission.elsewhere()
    answers = Route.of(
        emission, f"{step.context}-subscription-response-topic", key_format_of(step.left), step.left.schema.key
    )
    subscriptions = Route.of(
        right_emission,
        f"{step.context}-subscription-registration-topic",
        key_format_of(step.right),
        step.right.schema.key,
    )
    answers.sent_from(right_emission)
    subscriptions.sent_from(emission)
    wants = downstream.wants
    left_names = ordered_columns(step.left.schema, wants | columns_in(step.left_expression))
    right_names = ordered_columns(step.right.schema, wants)
    left = _left_side(step, left_names, emission)
    yield from _build_left(step, left_names, subscriptions, left, emission)
    _build_answers(left_names, right_names, downstream, answers, left, emission)
    yield from _build_right(step, right_names, answers, subscriptions, right_emission)


def _left_side(step: ForeignKeyTableTableJoin, names: tuple[str, ...], emission: Emission) -> str:
    # A stored row begins with its foreign key: a change must unsubscribe from the one before.
    store = emission.key_value_store(f"{step.context}-left-Table", ("foreign key", *names))
    outer = step.kind is JoinKind.LEFT
    return emission.program.bind(
        "left_side", lambda context: ForeignKeyLeft(context.key_value_store(store), outer=outer), store
    )


def _build_left(
    step: ForeignKeyTableTableJoin, names: tuple[str, ...], subscriptions: Route, left: str, emission: Emission
) -> Inlets:
    types = step.left.schema.types()

    def row(writer: CodeWriter, scope: RowScope) -> None:
        name = step.right.schema.key[0].name
        foreign = emission.expressions.value(
            writer, step.left_expression, name, types, scope.columns, step.context, step.right.schema.key[0].type
        )
        writer.line(f"foreign = None if {null_test([foreign])} else freeze_key(({foreign},))")
        subscribe(writer, scope, "foreign", scope.tuple_of(names))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        subscribe(writer, scope, "None", "None")

    def subscribe(writer: CodeWriter, scope: RowScope, foreign: str, values: str) -> None:
        call = f"{left}.change({scope.identity}, {foreign}, {values}, {scope.key}, {scope.timestamp})"
        with writer.block(f"for foreign_key, message in {call}:"):
            plain = replace(scope, window=None)
            subscriptions.write_send(writer, "thaw_key(foreign_key)", "message", emission, plain)

    yield Inlet(step.left, Downstream(frozenset(names), row, tombstone), emission)


def _build_answers(
    left_names: tuple[str, ...],
    right_names: tuple[str, ...],
    downstream: Downstream,
    answers: Route,
    left: str,
    emission: Emission,
) -> None:
    with answers.reading(emission) as (writer, scope):
        writer.line("digest, right_row = decode_state(value_bytes)")
        writer.line(f"joined = {left}.answered({scope.identity}, digest, right_row)")
        with writer.block("if joined is None:"):
            writer.line("continue")
        writer.line("left_row, right_row = joined")
        with writer.block("if left_row is None:"):
            downstream.write_tombstone(writer, scope)
            writer.line("continue")
        columns = unpack(writer, left_names, "left_row")
        columns |= unpack_optional(writer, right_names, "right_row")
        downstream.row(writer, replace(scope, columns=columns))


def _build_right(
    step: ForeignKeyTableTableJoin, names: tuple[str, ...], answers: Route, subscriptions: Route, emission: Emission
) -> Inlets:
    rows = emission.key_value_store(f"{step.context}-right-Table", names)
    subscribers = emission.key_value_store(f"{step.context}-subscriptions", ("digest",))
    right = emission.program.bind(
        "right_side",
        lambda context: ForeignKeyRight(context.key_value_store(rows), context.key_value_store(subscribers)),
        rows,
        subscribers,
    )

    def answer(writer: CodeWriter, scope: RowScope) -> None:
        answers.write_send(writer, "thaw_key(left_key)", "[digest, right_row]", emission, replace(scope, window=None))

    def row(writer: CodeWriter, scope: RowScope) -> None:
        changed(writer, scope, scope.tuple_of(names))

    def tombstone(writer: CodeWriter, scope: RowScope) -> None:
        changed(writer, scope, "None")

    def changed(writer: CodeWriter, scope: RowScope, values: str) -> None:
        call = f"{right}.change({scope.identity}, {values}, {scope.timestamp})"
        with writer.block(f"for left_key, digest, right_row in {call}:"):
            answer(writer, scope)

    yield Inlet(step.right, Downstream(frozenset(names), row, tombstone), emission)
    with subscriptions.reading(emission) as (writer, scope):
        writer.line("left_key, digest, instruction = decode_state(value_bytes)")
        call = f"{right}.subscribe({scope.identity}, freeze_key(left_key), digest, instruction, timestamp)"
        writer.line(f"due = {call}")
        with writer.block("if due is None:"):
            writer.line("continue")
        writer.line("left_key, digest, right_row, timestamp = due")
        answer(writer, scope)


def key_format_of(step: Step) -> KeyFormat:
    """Returns the key format of the topic that partitions a table's rows."""
    match step:
        case TableSource() | TableSelectKey() | StreamAggregate() | StreamWindowedAggregate() | TableAggregate():
            return step.formats.key
        case _:
            return key_format_of(sources_of(step)[0])
