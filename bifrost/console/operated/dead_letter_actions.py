"""Replaying and dropping dead letters, as planned actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bifrost.console.operated.endpoints import InvalidParameter
from bifrost.console.operated.parameters import flag_in, text_in, texts_in
from bifrost.console.operated.pending_actions import PlannedAction
from bifrost.console.operated.target_pool import OperatedTarget
from bifrost.errors import OperationRefused
from bifrost.operations.dead_letter_queues import LetterSelection
from bifrost.operations.dead_letter_text import drop_lines, letters_text, replay_lines
from bifrost.operations.replay import plan_replay, replay

MAX_REPLAYED = 5_000
"""Letters of one replay, which are held in memory."""
_PLACE = re.compile(r"(\d{1,9})@(\d{1,19})")


def plan_replaying(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
    """`{"topic": QUEUE, "letters": ["0@17", ...], "to": TOPIC, "again": false}`; without letters, the newest ones."""
    queues = target.dead_letters()
    queue = queues.find(text_in(body, "topic"))
    places, again = _places(body), flag_in(body, "again")
    letters = queues.letters(queue, LetterSelection(places=places, limit=None if places else MAX_REPLAYED))
    owners = target.owners()
    to = text_in(body, "to", "")
    planned = plan_replay(queues, queue, letters, target.platform.kafka, owners, to=to, again=again)
    lines = list(replay_lines(planned))
    if not places and queue.letters > MAX_REPLAYED:
        lines.append(f"These are the newest {MAX_REPLAYED} of {queue.letters} letters; replay again for older ones.")

    def carry_out(target: OperatedTarget) -> str:
        queues = target.dead_letters()
        if not again and any(queues.replayed_to(letter) for letter in planned.letters):
            raise OperationRefused("nothing was changed: some of these letters were replayed meanwhile; look again")
        done = replay(planned, queues, target.platform.kafka, target.records, target.now_ms)
        return f"{letters_text(len(done))} of {queue.topic} replayed and marked."

    return PlannedAction("replay dead letters", queue.topic, tuple(lines), carry_out, is_change=bool(planned.letters))


def plan_dropping(target: OperatedTarget, body: Mapping[str, Any]) -> PlannedAction:
    """`{"topic": QUEUE, "letters": ["0@17"]}`: all letters up to these; without letters, all of the queue."""
    queues = target.dead_letters()
    queue = queues.find(text_in(body, "topic"))
    before: dict[int, int] = {}
    for partition, offset in _places(body):
        # Kafka deletes from the start of a partition only, so a letter stands for all up to it.
        before[partition] = max(before.get(partition, 0), offset + 1)
    planned = queues.plan_drop(queue, before or None, None)

    def carry_out(target: OperatedTarget) -> str:
        target.dead_letters().drop(planned)
        return f"{letters_text(planned.letters)} of {queue.topic} deleted."

    lines = (*drop_lines(planned), "Deleted letters cannot be replayed.")
    return PlannedAction(
        "drop dead letters", queue.topic, lines, carry_out, is_change=bool(planned.letters), loses=True
    )


def _places(body: Mapping[str, Any]) -> frozenset[tuple[int, int]]:
    found = [_PLACE.fullmatch(text) for text in texts_in(body, "letters", MAX_REPLAYED)]
    if not all(found):
        raise InvalidParameter("letters must be places such as 0@17: partition and offset")
    return frozenset((int(match[1]), int(match[2])) for match in found if match is not None)
