"""The log of actions: complete, without secrets, bounded, and readable after a crash."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bifrost.errors import OperationRefused
from bifrost.operations import action_log
from bifrost.operations.action_log import ActionLog, Outcome


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "actions.jsonl"


def test_an_action_is_logged_before_and_after_it(file: Path):
    times = iter([100.0, 101.5])
    log = ActionLog(file, lambda: next(times))
    begun = log.begin("ann", "restart", "connector x", ["restart connector x: FAILED -> RUNNING"])
    assert log.newest(10) == (begun,)
    assert begun.outcome is Outcome.STARTED

    ended = log.end(begun, Outcome.DONE, "runs again")
    assert (ended.who, ended.at_s, ended.ended_s, ended.result) == ("ann", 100.0, 101.5, "runs again")
    assert ActionLog(file, lambda: 0).newest(10) == (ended,)
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_secret_is_written(file: Path):
    log = ActionLog(file, lambda: 1.0, ["hunter22"])
    begun = log.begin("ann", "change config", "x", ["database.password=hunter22", "url: http://u:geheim@h/"])
    log.end(begun, Outcome.FAILED, "refused: hunter22")
    assert "hunter22" not in file.read_text()
    assert "geheim" not in file.read_text()


def test_lines_that_a_crash_has_cut_are_skipped(file: Path):
    log = ActionLog(file, lambda: 1.0)
    log.begin("ann", "a", "x", [])
    with file.open("ab") as out:
        out.write(b'{"id": "cut\n[]\n{"id": 1}\n\xff\n')
    log.begin("bob", "b", "x", [])
    assert sorted(entry.who for entry in log.newest(10)) == ["ann", "bob"]


def test_an_entry_after_one_that_was_cut_is_not_lost(file: Path):
    log = ActionLog(file, lambda: 1.0)
    log.begin("ann", "a", "x", [])
    with file.open("ab") as out:
        out.write(b'{"id": "cut by a full disk')
    for who in ("bob", "eve"):
        log.begin(who, "b", "x", [])
    assert sorted(entry.who for entry in log.newest(10)) == ["ann", "bob", "eve"]


def test_the_file_does_not_grow_without_end(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(action_log, "MAX_BYTES", 2000)
    ticks = iter(range(1000))
    log = ActionLog(file, lambda: float(next(ticks)))
    for number in range(200):
        log.begin("ann", f"action {number}", "x", [])
    assert sum(each.stat().st_size for each in file.parent.iterdir()) < 5000
    assert log.newest(1)[0].action == "action 199"
    assert len(log.newest(1000)) > 5


def test_what_cannot_be_logged_is_not_begun(tmp_path: Path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(OperationRefused, match="nothing was changed"):
        ActionLog(tmp_path / "home" / "actions.jsonl", lambda: 1.0).begin("ann", "a", "x", [])


def test_long_announcements_are_cut(file: Path):
    log = ActionLog(file, lambda: 1.0)
    begun = log.begin("ann", "a", "x", [f"line {number}" for number in range(500)])
    assert begun.lines[-1] == "... and 450 more"


def append_many(file: Path, who: str) -> None:
    log = ActionLog(file, lambda: 1.0)
    for number in range(40):
        log.begin(who, "a", str(number), [])


def test_programs_that_log_at_the_same_time_lose_nothing(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(action_log, "MAX_BYTES", 10_000)
    # A lock of a file holds between two openings, so threads stand for programs.
    programs = [threading.Thread(target=append_many, args=(file, f"program {number}")) for number in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    older = file.with_suffix(".1.jsonl")
    assert file.stat().st_size < 12_000
    assert older.stat().st_size > 10_000
