"""The report of all benchmarks: its programs exist, its aims find their figures, its page says what falls short."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.report.__main__ import as_json, read_runs, run_one
from benchmarks.report.entries import ENTRIES, Aim, Entry, Needs, selected
from benchmarks.report.page import Run, page

PULL = Aim("pull by key, 99 of 100", r"pull.* p99 ([\d.]+) ms", 10, "ms")
RATIO = Aim("ratio", r"(\d+\.\d+) \(\d+\.\d+\)", 1.0, "", is_most=False)


def entry(*aims: Aim, command: str = "engine_latency") -> Entry:
    return Entry("Latency", (command,), Needs.PLATFORM, 1, aims)


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: " ".join(each.command))
def test_each_program_exists(each: Entry):
    assert find_spec(f"benchmarks.{each.command[0]}")


@pytest.mark.parametrize(
    ("name", "output", "figures"),
    [
        ("alert_latency", "100 alerts of 1000 records at 100/s: p50 48 ms, p90 70 ms, p99 95 ms, slowest 120 ms", [95]),
        ("idle_cost", "broker  12.0 % of a core  90 threads\nall                     39.1 % of a core", [39.1]),
        (
            "engine_latency",
            "record to consumer, without the engine: 900, p50 1.1 ms, p99 3.0 ms\n"
            "record to result, through the engine: 900, p50 2.4 ms, p99 20.1 ms\n"
            "pull query by key, 200/s, while 2000 records/s come in: 4000, p50 1.7 ms, p99 6.7 ms",
            [2.4, 20.1, 1.7, 6.7],
        ),
        ("throughput", "join  131,000 (99,000)  94,000 (54,000)  1.39 (1.83)", [1.39, 1.83]),
        (
            "deploy_time",
            "  up from nothing      44.0 s\n  first alert since the start of up      48.1 s\n"
            "  plan without changes   2.4 s   2.1 s\n  up without changes   4.2 s\n  down    6.2 s   1.0 s",
            [48.1, 2.4, 4.2, 6.2],
        ),
    ],
)
def test_aims_find_their_figures(name: str, output: str, figures: list[float]):
    each = next(selected([name], []))
    assert [aim.worst(output) for aim in each.aims] == figures


def test_the_worst_figure_counts():
    assert RATIO.worst("1.39 (1.83) and 0.85 (1.20)") == 0.85
    assert not RATIO.is_met(0.85)
    assert PULL.worst("pull a p99 4 ms\npull b p99 12.5 ms") == 12.5
    assert PULL.worst("nothing") is None


def test_the_page_says_what_falls_short():
    runs = [
        Run(entry(PULL), "pull p99 12.5 ms\n", 30.2, 0.4, 0),
        Run(entry(RATIO, command="throughput"), "", 60.0, 0.4, None),
        Run(entry(command="serde"), "avro 100 k rows/s", 10.0, 0.4, 1),
    ]
    text = page(runs, "2 cores", "abc", "2026-11-30", [("Threads", "soak/threads.png")])
    shortcomings = text.split("## What falls short\n\n")[1].split("\n\n")[0]
    assert shortcomings.splitlines() == [
        "- Latency: pull by key, 99 of 100 12.5 ms, aim 10.",
        "- Latency: ended after 1 minutes.",
        "- Latency: ratio was not measured.",
        "- Latency: exit code 1.",
    ]
    assert "| Latency: pull by key, 99 of 100 | 12.5 ms | ≤ 10 ms | **missed** |" in text
    assert "`python -m benchmarks.engine_latency`, 30 s, load average 0.4 before" in text
    assert "![Threads](soak/threads.png)" in text


def test_a_page_without_shortcomings_says_so():
    assert "## What falls short\n\nNothing.\n" in page([], "2 cores", "abc", "2026-11-30", [])


def test_a_program_that_fails_is_in_the_report(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = run_one(entry(), {})
    assert run.problem == "exit code 1"


def test_a_finished_run_is_read_again(tmp_path: Path):
    file = tmp_path / "benchmarks.json"
    assert read_runs(file) == {}
    run = Run(ENTRIES[0], "output", 1.5, 0.2, None)
    file.write_text(json.dumps([as_json(run), {**as_json(run), "command": "python -m benchmarks.gone"}]))
    assert read_runs(file) == {ENTRIES[0].text: run}
