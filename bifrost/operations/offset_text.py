"""Changes of positions as text: what is read again, what is skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bifrost.operations.offset_plans import PlannedOffsets, PlannedSourceOffsets


def group_lines(planned: PlannedOffsets) -> Iterator[str]:
    """What a change of the positions of a group would do."""
    if not planned.changes:
        yield f"{planned.position} is already set: nothing to do."
        return
    for move in planned.changes:
        effect = f"{move.repeated} records are read again" if move.repeated else f"{move.skipped} records are skipped"
        before = "none" if move.before is None else str(move.before)
        yield f"{move.topic}-{move.partition}: {before} -> {move.after}: {effect}"
    repeated = sum(move.repeated for move in planned.changes)
    skipped = sum(move.skipped for move in planned.changes)
    yield f"{planned.position} would read {repeated} records again and skip {skipped}."
    if planned.position.owner.kind in ("alert", "service") and repeated:
        yield "People get the messages of the repeated records again."
    if planned.position.process or planned.position.owner.kind == "connector":
        yield "It is stopped meanwhile, and then runs as before."


def source_lines(planned: PlannedSourceOffsets) -> Iterator[str]:
    """What a change of the offsets of a source connector would do."""
    records = sum(planned.topics.values())
    if planned.after is None:
        count = len(planned.before)
        yield f"All {count} offsets of {planned.position} would be deleted: it starts like a new connector."
    elif not planned.is_change:
        yield f"The offsets of {planned.position} are these already: nothing to do."
        return
    for entry in planned.after or ():
        if entry not in planned.before:
            yield f"{json.dumps(entry['partition'])} -> {json.dumps(entry['offset'])}"
    yield f"What it reads again is added to the {records} records in {', '.join(planned.topics) or 'its topics'}."
    yield "It is stopped meanwhile, and then runs as before."
