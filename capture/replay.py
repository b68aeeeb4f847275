"""A file's frames at the times at which they are due: as recorded, faster or slower, or at a steady rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from bifrost.errors import SettingError
from capture.frames import CapturedFrame

Wait = Callable[[float], bool]
"""Waits so many seconds; whether to stop."""

SHORTEST_WAIT_S = 0.002
"""Frames that are due sooner are not waited for: waking up would cost more than the work."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How a file is replayed.

    `rate` frames per second if above 0; otherwise `speed` times as fast as recorded, 0 for as fast as possible.
    `count` ends it after so many frames (0: with the file), `loop` begins the file anew, `now` puts the time of the
    replay in place of the recorded one.
    """

    rate: float = 0.0
    speed: float = 1.0
    count: int = 0
    loop: bool = False
    now: bool = False


def replay(
    read: Callable[[], Iterable[CapturedFrame]], tempo: Tempo, clock: Callable[[], float], wait: Wait
) -> Iterator[CapturedFrame]:
    """The frames of a file, each when it is due, until the end or until `wait` says so.

    Args:
        read: begins the file.
        clock: seconds since 1970.

    Raises:
        SettingError: the file is to be looped and has no frame.
    """
    started_s, number = clock(), 0
    while True:
        began_s, first_us = clock(), None
        for frame in read():
            if tempo.count and number >= tempo.count:
                return
            first_us = frame.time_us if first_us is None else first_us
            due_s = _due_s(number, started_s, began_s, frame.time_us - first_us, tempo)
            if due_s - clock() > SHORTEST_WAIT_S and wait(due_s - clock()):
                return
            yield replace(frame, time_us=int(clock() * 1_000_000)) if tempo.now else frame
            number += 1
        if not tempo.loop:
            return
        if first_us is None:
            raise SettingError("--replay", "a file without frames cannot be looped")


def _due_s(number: int, started_s: float, began_s: float, recorded_us: int, tempo: Tempo) -> float:
    if tempo.rate > 0:
        return started_s + number / tempo.rate
    return began_s + (recorded_us / 1_000_000 / tempo.speed if tempo.speed > 0 else 0.0)
