"""Moving where a connector, alert, service or consumer group reads next, as a planned action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bifrost.console.operated.endpoints import InvalidParameter
from bifrost.console.operated.parameters import text_in, texts_in
from bifrost.console.operated.pending_actions import PlannedAction
from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.errors import OperationRefused
from bifrost.operations.moments import parse_moment
from bifrost.operations.offset_changes import change_group, change_source
from bifrost.operations.offset_plans import (
    EARLIEST,
    LATEST,
    OffsetTarget,
    PositionOwner,
    find_position,
    plan_group,
    plan_source,
    source_offsets,
)
from bifrost.operations.offset_text import group_lines, source_lines
from bifrost.web.inputs import whole_number

MAX_TOPICS = 1_000
MAX_OFFSETS_TEXT = 500_000
"""Characters of the offsets of a source connector."""
_ACTION = "reset offsets"


def plan_reset(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
    """`{"name": "group:NAME", "to": POSITION, "topics": [...]}`; a position is `earliest`, `latest`, a time, or offsets
    such as `orders-0@17, orders-1@4`.
    """
    position = find_position(target.platform, target.owners(), text_in(body, "name"))
    wanted = _target(text_in(body, "to"), target.now_ms())
    if not position.group:
        return _source_reset(target, position, wanted)
    planned = plan_group(target.platform.kafka, position, wanted, texts_in(body, "topics", MAX_TOPICS))
    is_skipping = any(move.skipped for move in planned.changes)

    def carry_out(target: OperatedTarget) -> str:
        now = target.platform.kafka.positions([position.group]).get(position.group, {})
        if position.owner.kind == "group" and any(
            now.get(move.topic, {}).get(move.partition) != move.before for move in planned.moves
        ):
            raise OperationRefused(f"{position} was not changed: it has moved meanwhile; look again")
        change_group(target.platform, planned, target.clock)
        count = len(planned.changes)
        return f"{count} offset{'' if count == 1 else 's'} of {position} changed."

    lines = tuple(group_lines(planned))
    return PlannedAction(_ACTION, str(position), lines, carry_out, bool(planned.changes), loses=is_skipping)


def _source_reset(target: OperatedTarget, position: PositionOwner, wanted: OffsetTarget) -> PlannedAction:
    if wanted.word != EARLIEST:
        raise OperationRefused(
            f"{position} was not changed: the offsets of a source have no order that Bifrost knows, so it can only "
            "start from the beginning (earliest)"
        )
    planned = plan_source(target.platform, position, None)

    def carry_out(target: OperatedTarget) -> str:
        change_source(target.platform, planned, target.clock)
        return f"Offsets of {position} deleted."

    return PlannedAction(_ACTION, str(position), tuple(source_lines(planned)), carry_out, planned.is_change, True)


def plan_set(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
    """`{"name": "connector:NAME", "offsets": TEXT}`: offsets of a source connector in JSON, as its page shows them."""
    position = find_position(target.platform, target.owners(), text_in(body, "name"))
    if position.group:
        raise OperationRefused(f"{position} was not changed: reset its consumer group {position.group}")
    offsets = source_offsets(position, text_in(body, "offsets", most=MAX_OFFSETS_TEXT))
    planned = plan_source(target.platform, position, offsets)

    def carry_out(target: OperatedTarget) -> str:
        change_source(target.platform, planned, target.clock)
        return f"Offsets of {position} changed."

    lines = tuple(source_lines(planned))
    return PlannedAction("set offsets", str(position), lines, carry_out, planned.is_change, loses=True)


def _target(text: str, now_ms: int) -> OffsetTarget:
    if text in (EARLIEST, LATEST):
        return OffsetTarget(word=text)
    if "@" in text:
        return OffsetTarget(places=dict(map(_place, text.split(","))))
    try:
        return OffsetTarget(time_ms=parse_moment(text, now_ms))
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(f"to: {error}; or {EARLIEST}, {LATEST}, or offsets such as orders-0@17") from error


def _place(text: str) -> tuple[tuple[str, int], int]:
    partition_text, _, offset_text = text.strip().rpartition("@")
    topic, _, number_text = partition_text.rpartition("-")
    number, offset = whole_number(number_text, 0, 2**31 - 1), whole_number(offset_text, 0)
    if not topic or number is None or offset is None:
        raise InvalidParameter(f"to: {text.strip()!r} is not TOPIC-PARTITION@OFFSET, such as orders-0@17")
    return (topic, number), offset
