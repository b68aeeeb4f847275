"""Dead letters, replays and drops as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bifrost.operations.dead_letter import StoredDeadLetter
from bifrost.operations.dead_letter_queues import PlannedDrop
from bifrost.operations.moments import moment_text
from bifrost.operations.record_text import ReadableValue, RecordText
from bifrost.operations.replay import PlannedReplay


def letter_json(letter: StoredDeadLetter, replayed_to: str, reader: RecordText) -> dict[str, Any]:
    """A letter as `dlq show --json` prints it."""
    record = letter.record
    return {
        "letter": str(record),
        "time": moment_text(record.timestamp_ms) or None,
        "reason": letter.reason,
        "stage": letter.stage,
        "exception": letter.exception,
        "class": letter.failing_class,
        "connector": letter.connector,
        "task": letter.task,
        "origin": None if letter.origin is None else str(letter.origin),
        "replayed_to": replayed_to or None,
        "replayed_before": list(letter.earlier),
        "truncated_bytes": letter.truncated_bytes,
        "key": _value_json(reader.read(record.key)),
        "value": _value_json(reader.read(record.value)),
        "headers": {name: _value_json(reader.read(value)) for name, value in record.headers},
    }


def _value_json(value: ReadableValue) -> dict[str, str]:
    found = {"format": value.format, "text": value.text}
    return {**found, "problem": value.problem} if value.problem else found


_HIDDEN_HEADERS = ("__connect.errors.", "dlq.")
"""Their values are shown as reason, stage, origin and so on; `--json` has all of them."""


def letter_lines(entry: dict[str, Any]) -> Iterator[str]:
    """A letter as `dlq show` prints it, from its JSON."""
    yield f"{entry['letter']}  {entry['time'] or ''}"
    where = ", ".join(
        text for text in (entry["stage"], entry["class"], entry["task"] and f"task {entry['task']}") if text
    )
    lines = {
        "reason": " ".join(entry["reason"].split()),
        "exception": entry["exception"] if entry["exception"] != entry["reason"] else "",
        "at": where,
        "from": entry["origin"] or "unknown: the headers do not name it",
        "replayed": f"to {entry['replayed_to']}" if entry["replayed_to"] else "",
        "earlier": ", ".join(entry["replayed_before"]),
    }
    lines |= {part: f"{entry[part]['text']}  ({entry[part]['format']})" for part in ("key", "value")}
    for name, value in entry["headers"].items():
        if not name.startswith(_HIDDEN_HEADERS):
            lines[f"header {name}"] = value["text"]
    for label, text in lines.items():
        if text:
            yield f"  {label:<9} {text}"


def replay_lines(planned: PlannedReplay, *, with_advice: bool = False) -> Iterator[str]:
    """What a replay would do; with advice, which options of the command replay what is skipped."""
    for topic in sorted(set(planned.to)):
        count = planned.to.count(topic)
        yield f"{letters_text(count)} of {planned.queue.topic} would be appended to {topic}, at least once each."
    if planned.readers:
        yield f"All that reads there sees them again: {', '.join(map(str, planned.readers))}."
    for item in planned.skipped:
        yield f"Skipped {item.letter.record}: {item.advised_reason if with_advice else item.reason}."
    if not planned.letters:
        yield "There is nothing to replay."


def drop_lines(planned: PlannedDrop) -> list[str]:
    """What deleting letters would do."""
    rest = f", {planned.not_replayed} of which were never replayed" if planned.not_replayed else ""
    return [f"{letters_text(planned.letters)} of {planned.queue.topic} would be deleted{rest}."]


def letters_text(count: int) -> str:
    """`1 letter`, `2 letters`."""
    return f"{count} letter{'' if count == 1 else 's'}"
