"""The watcher looks every ten seconds, and its file says when it does not."""

from __future__ import annotations

import os
import time

from bifrost.operations.watch.watch_state import SILENT_S, watched_failures, write_state
from bifrost.operations.watch.watch_target import LOOK_S, shortened, watch


class SlowWatcher:
    """Each look takes `took_s`."""

    def __init__(self, took_s: float) -> None:
        self.clock = self
        self.now = 0.0
        self.took_s = took_s

    def monotonic(self) -> float:
        return self.now

    def look(self) -> tuple[()]:
        self.now += self.took_s
        return ()


def pauses(took_s: float) -> list[float]:
    found: list[float] = []

    def wait(seconds: float) -> bool:
        found.append(seconds)
        return len(found) == 2

    watch(SlowWatcher(took_s), wait)  # type: ignore[arg-type]
    return found


def test_looks_begin_at_equal_intervals_and_slow_ones_leave_a_pause():
    assert pauses(4.0) == [LOOK_S - 4.0] * 2
    assert pauses(60.0) == [1.0] * 2


def test_a_long_cause_keeps_its_begin_and_its_end():
    assert shortened("short") == "short"
    cut = shortened("begin " + "x" * 1000 + " end", 100)
    assert cut.startswith("begin x") and cut.endswith("x end") and len(cut) <= 110


def test_a_watcher_that_hangs_is_itself_a_failure(tmp_path):
    file = tmp_path / "watch.json"
    assert watched_failures(file) == []
    write_state(file, {"connector a": "was restarted 1 time"}, looked_at=1000)

    assert watched_failures(file, lambda: 1000 + SILENT_S - 1) == ["connector a was restarted 1 time"]
    assert watched_failures(file, lambda: 1000 + SILENT_S + 1) == [
        "connector a was restarted 1 time",
        "platform_watch has looked at nothing for 91 s, so failures may be missing here: `restart platform_watch`",
    ]


def test_a_watcher_that_cannot_write_on_a_full_disk_is_not_said_to_hang(tmp_path):
    file = tmp_path / "watch.json"
    write_state(file, {}, looked_at=1000)
    found = watched_failures(file, lambda: 1100, free=lambda _: 4096)
    assert found == [f"the disk of {tmp_path} is full: platform_watch has written nothing for 100 s; make space"]


def test_a_clock_that_is_set_forward_or_back_does_not_change_how_long_a_watcher_is_silent(tmp_path):
    """The file's own time is of the clock that people, time servers and a sleeping laptop change."""
    file = tmp_path / "watch.json"
    for set_by_s in (-3600, 3600):
        write_state(file, {}, time.monotonic())
        os.utime(file, (time.time() + set_by_s,) * 2)
        assert watched_failures(file) == []
        write_state(file, {}, time.monotonic() - SILENT_S - 1)
        os.utime(file, (time.time() + set_by_s,) * 2)
        assert len(watched_failures(file)) == 1


def test_a_damaged_file_says_nothing(tmp_path):
    file = tmp_path / "watch.json"
    for text in ("", "[]", '{"looked_at": "x", "things": []}', '{"connector a": "of an earlier version"}'):
        file.write_text(text)
        assert watched_failures(file) == []
