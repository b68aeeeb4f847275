"""What was seen of a fault, and whether that is what must happen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.watch_faults.fault import Expected

REPORT_S = 60.0
RECOVERED = "runs again"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one fault.

    `reported_s` are the seconds from the fault to the first message, `None` without one; `messages` all messages about
    it. `status_code` and `status_lines` are the exit code of `status --check` and its lines while it was broken.
    `healed_s` are the seconds from the repair until it ran, `None` if it did not; `by_command` whether it took the
    documented command.
    """

    reported_s: float | None
    messages: Sequence[str]
    status_code: int
    status_lines: Sequence[str]
    healed_s: float | None
    by_command: bool = False


def problems_of(expected: Expected, subject: str, seen: Observation) -> Iterator[str]:
    """What is not as it must be."""
    name = subject.rpartition(" ")[2]
    match expected:
        case Expected.REPORTED:
            yield from _report_problems(seen)
            yield from _status_problems(seen, name)
        case Expected.REPORTED_LATER:
            if not seen.messages:
                yield "no message after the repair"
            yield from _status_problems(seen, name)
        case Expected.HEALED if seen.messages:
            yield f"a message about what heals without help: {seen.messages[0]}"
    # The recovery from the fault before may be reported during this one: it must last a minute.
    failures = Counter(text for text in seen.messages if not text.endswith(RECOVERED))
    yield from (f"{count} times the same message: {text}" for text, count in failures.items() if count > 1)
    if seen.healed_s is None:
        yield "it does not run again"


def _report_problems(seen: Observation) -> Iterator[str]:
    if seen.reported_s is None:
        yield "no message"
    elif seen.reported_s > REPORT_S:
        yield f"a message only after {seen.reported_s:.0f} s"
    if seen.messages and ": " not in seen.messages[0]:
        yield f"a message without a cause: {seen.messages[0]}"


def _status_problems(seen: Observation, name: str) -> Iterator[str]:
    if not seen.status_code:
        yield "status --check ended with 0"
    if not any(name in line for line in seen.status_lines):
        yield f"status does not name {name}"


def row(title: str, seen: Observation, problems: Sequence[str]) -> str:
    """A line of the table."""
    reported = "-" if seen.reported_s is None else f"{seen.reported_s:.0f} s"
    healed = "never" if seen.healed_s is None else f"{seen.healed_s:.0f} s{' (command)' if seen.by_command else ''}"
    return f"{title:<44} {reported:>8} {seen.status_code:>6} {healed:>16}  {'; '.join(problems) or 'ok'}"


HEADER = f"{'fault':<44} {'reported':>8} {'status':>6} {'runs again':>16}  verdict"
