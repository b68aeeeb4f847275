"""Replays the frames of a file when they are due: as recorded, at another speed, or at a steady rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from bifrost.errors import SettingError
from capture.frames import CapturedFrame

Wait = Callable[[float], bool]
"""Waits this many seconds and returns whether to stop."""

MIN_WAIT_S = 0.002
"""Frames due sooner are sent without a wait: waking up would cost more than the work."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The timing of a replay.

    A `rate` above 0 is in frames per second; otherwise `speed` is a factor, 0 for as fast as possible. `count` limits
    the frames (0: no limit), `loop` restarts the file at its end, `now` replaces the recorded times by current ones.
    """

    rate: float = 0.0
    speed: float = 1.0
    count: int = 0
    loop: bool = False
    now: bool = False


def replay(
    read: Callable[[], Iterable[CapturedFrame]],
    tempo: Tempo,
    clock: Callable[[], float],
    wait: Wait,
    *,
    calendar: Callable[[], float],
) -> Iterator[CapturedFrame]:
    """Yield the frames of a file when they are due, until its end or until `wait` asks to stop.

    Args:
        read: opens the file and returns its frames.
        clock: returns monotonic seconds.
        calendar: returns seconds since the epoch, for the frames' times.

    Raises:
        SettingError: `loop` is set and the file contains no frame.
    """
    started_s, number = clock(), 0
    while True:
        began_s, first_us = clock(), None
        for frame in read():
            if tempo.count and number >= tempo.count:
                return
            first_us = frame.time_us if first_us is None else first_us
            due_s = _due_s(number, started_s, began_s, frame.time_us - first_us, tempo)
            if due_s - clock() > MIN_WAIT_S and wait(due_s - clock()):
                return
            yield replace(frame, time_us=int(calendar() * 1_000_000)) if tempo.now else frame
            number += 1
        if not tempo.loop:
            return
        if first_us is None:
            raise SettingError("--replay", "a file without frames cannot be looped")


def _due_s(number: int, started_s: float, began_s: float, recorded_us: int, tempo: Tempo) -> float:
    if tempo.rate > 0:
        # Counted from the start: with pauses from frame to frame, small delays would add up.
        return started_s + number / tempo.rate
    return began_s + (recorded_us / 1_000_000 / tempo.speed if tempo.speed > 0 else 0.0)
