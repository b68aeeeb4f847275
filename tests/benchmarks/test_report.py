"""The report of all benchmarks: its programs exist, its aims find their figures, its page says what falls short."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.report.__main__ import run_all, summary, write_page
from benchmarks.report.entries import ENTRIES, selected
from benchmarks.report.entry import Aim, Chart, Entry, Needs, Size
from benchmarks.report.page import FIRST_LINES, LAST_LINES, page, shortened
from benchmarks.report.pictures import spec
from benchmarks.report.results import Results
from benchmarks.report.run import Run, end, not_started, run_one
from bifrost.settings import PROJECT
from tests.waiting import eventually

PULL = Aim("pull by key, 99 of 100", r"pull.* p99 ([\d.]+) ms", 10, "ms")
RATIO = Aim("ratio", r"(\d+\.\d+) \(\d+\.\d+\)", 1.0, "", is_most=False)


def entry(*aims: Aim, name: str = "engine_latency") -> Entry:
    return Entry(name, "Latency", name, (), None, Needs.PLATFORM, 1, aims)


def program(*arguments: str, aims: tuple[Aim, ...] = (), charts: tuple[Chart, ...] = ()) -> Entry:
    """A real program that prints figures: the benchmark of the formats."""
    return Entry("small", "Small", "serde", arguments, None, Needs.NOTHING, 1, aims, charts)


def run(each: Entry, output: str, exit_code: int | None = 0) -> Run:
    return Run(each, Size.FULL, output, 60.2, 0.4, exit_code, "abc", "2026-11-30")


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.name)
@pytest.mark.parametrize("size", Size)
def test_each_program_accepts_its_arguments(each: Entry, size: Size, monkeypatch: pytest.MonkeyPatch):
    """It is stopped as soon as its arguments are read, and refuses those that it does not know."""
    module, *arguments = each.command(size)
    found = find_spec(module)
    assert found is not None
    name = f"{module}.__main__" if found.submodule_search_locations else module
    if name == "benchmarks.record_functions":
        return  # its only argument is a number

    class Parsed(Exception):
        pass

    def parse(parser: argparse.ArgumentParser, args: object = None, namespace: object = None) -> None:
        parser.parse_known_args(arguments)
        _, unknown = parser.parse_known_args(arguments)
        assert not unknown
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    with pytest.raises(Parsed):
        import_module(name).main()


def test_names_are_unique_and_none_is_two_programs_or_two_pictures():
    names = [each.name for each in ENTRIES]
    pictures = [chart.name for each in ENTRIES for chart in each.charts]
    assert len({*names}) == len(names)
    assert len({*pictures}) == len(pictures)


def test_the_report_has_every_benchmark():
    page = (PROJECT / "docs" / "how-to" / "benchmarks.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `python -m benchmarks\.(\w+)`", page, re.MULTILINE))
    # Others measure the same as the first two: big_state, and throughput and engine_latency with several workers.
    assert listed - {each.module for each in ENTRIES} == {"engine_restart", "engine_workers", "report"}
    assert {each.module for each in ENTRIES} <= listed


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
        ("wifi_capture", "capture/tshark  5.89 (8.16)", [8.16]),
        ("fuzz", "csv    4161 inputs,      0 refused, 2 findings\n21 areas, 1 skipped, 2 findings", [2, 1]),
        ("kill_engine", "server round 1: Outcome(records=9, lost=0, repeated=0, same=True)", [0]),
        ("watch_faults", "12 faults, 3 problems", [3]),
        (
            "cdc_latency",
            "Debezium's own lag: p50 120 ms, slowest 150 ms\nthe engine adds p50 31 ms, slowest 60 ms",
            [31],
        ),
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


def test_bars_are_medians_by_label_and_series_in_the_order_of_the_output():
    chart = next(selected(["throughput"], [])).charts[0]
    output = (
        "  round 1 join   engine-1             8,902/s (   73,709)\n"
        "  round 1 join   quix-streams         1,385/s (    9,342)\n"
        "  round 2 join   engine-1             8,904/s (   70,000)\n"
    )
    bars = chart.bars(output)
    assert bars == {("join", "engine-1"): 8903, ("join", "quix-streams"): 1385}
    assert spec(chart, bars)["encoding"]["yOffset"]["sort"] == ["engine-1", "quix-streams"]
    assert "color" not in spec(chart, {("join", ""): 1.0})["encoding"]


def test_a_bar_may_have_no_series():
    chart = next(selected(["sinks"], [])).charts[0]
    output = "s3-sink: 8,000 records/s, load 5\ns3-sink beside the other: 6,572 records/s, load 5"
    assert chart.bars(output) == {("s3-sink", ""): 8000, ("s3-sink", "beside the other"): 6572}


def test_the_worst_figure_counts():
    assert RATIO.worst("1.39 (1.83) and 0.85 (1.20)") == 0.85
    assert not RATIO.is_met(0.85)
    assert PULL.worst("pull a p99 4 ms\npull b p99 12.5 ms") == 12.5
    assert PULL.worst("nothing") is None


def test_the_page_says_what_falls_short():
    runs = [
        run(entry(PULL), "pull p99 12.5 ms\n"),
        run(entry(RATIO, name="throughput"), "", None),
        run(entry(name="serde"), "avro 100 k rows/s\nno more memory", 1),
        not_started(entry(name="sinks"), Size.FULL, "its platform did not start"),
        run(entry(PULL), "everything is fine"),
    ]
    pictures = {"serde": [("Threads", "benchmarks/threads.png")]}
    text = page(runs, [entry(name="soak")], Size.FULL, "2 cores", pictures)
    shortcomings = text.split("## What falls short\n\n")[1].split("\n\n")[0]
    assert shortcomings.splitlines() == [
        "- Latency: pull by key, 99 of 100 12.5 ms, aim 10 ms.",
        "- Latency: failed, ended after its deadline of 7 minutes.",
        "- Latency: ratio was not measured.",
        "- Latency: failed, exit code 1: no more memory.",
        "- Latency: failed, its platform did not start.",
        "- Latency: failed, its output has no figure for: pull by key, 99 of 100.",
        "- Latency: not run.",
    ]
    assert "| Latency: pull by key, 99 of 100 | 12.5 ms | ≤ 10 ms | **missed** |" in text
    assert "| Latency | **failed** | exit code 1: no more memory | 1.0 |" in text
    assert "`python -m benchmarks.engine_latency`, 60 s, load average 0.4 before" in text
    assert "![Threads](benchmarks/threads.png)" in text
    assert "quick run" not in text


def test_a_figure_of_a_failed_run_is_never_good():
    text = page([run(entry(PULL), "pull p99 3 ms", 1)], [], Size.FULL, "2 cores", {})
    assert "| 3 ms | ≤ 10 ms | **failed** |" in text


def test_a_page_without_shortcomings_says_so_and_a_quick_one_that_it_is_quick():
    text = page([], [], Size.QUICK, "2 cores", {})
    assert "## What falls short\n\nNothing.\n" in text
    assert "**A quick run" in text


def test_the_middle_of_a_long_output_is_left_out():
    lines = [str(number) for number in range(100)]
    shown = shortened("\n".join(lines))
    assert shown[:FIRST_LINES] == lines[:FIRST_LINES]
    assert shown[FIRST_LINES] == "... 40 lines ..."
    assert shown[-LAST_LINES:] == lines[-LAST_LINES:]


def test_finished_programs_are_not_run_again_and_failed_ones_are_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    results = Results(tmp_path, Size.FULL)
    speed = Aim("formats", r"AVRO write +(\d+) k rows/s", 1, "k rows/s", is_most=False)
    good, bad = program("--rounds", "1", aims=(speed,)), replace(program("--unknown"), name="bad")
    run_all([good, bad], results)
    assert "[2/2]" in capfd.readouterr().out
    found = results.read(good)
    assert found is not None
    assert found.problem == ""
    assert "ended well" in summary(found)
    assert "AVRO write" in found.output
    failed = results.read(bad)
    assert failed is not None
    assert failed.problem.startswith("exit code 2: ")
    assert "--unknown" in failed.problem
    assert results.read(replace(good, arguments=("--rounds", "2"))) is None
    results.forget(good)
    assert results.read(good) is None


def test_a_figure_that_is_not_in_the_output_fails_the_program(tmp_path: Path):
    found = run_one(program("--rounds", "1", aims=(PULL,)), Size.FULL, os.environ, tmp_path / "out.txt")
    assert found.problem == "its output has no figure for: pull by key, 99 of 100"


def test_what_an_ended_program_has_started_is_killed_too():
    script = "trap '' TERM; sleep 600 & echo $!; wait"
    process = subprocess.Popen(("bash", "-c", script), stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    child = int(process.stdout.readline())
    end(process, grace_s=0.1)
    assert process.returncode == -signal.SIGKILL
    eventually(lambda: not is_running(child), "the end of its child")
    process.stdout.close()


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_program_that_hangs_is_ended(tmp_path: Path):
    output = tmp_path / "out.txt"
    found = run_one(program("--rounds", "1000000"), Size.FULL, os.environ, output, deadline_s=0.5, grace_s=0.1)
    assert found.exit_code is None
    assert found.problem == "ended after its deadline of 7 minutes"


def test_the_page_has_the_pictures_of_what_has_run(tmp_path: Path):
    each = next(selected(["serde"], []))
    results = Results(tmp_path / "results", Size.QUICK)
    run_all([each], results)
    file = tmp_path / "docs" / "benchmarks.md"
    file.parent.mkdir()
    write_page(file, results)
    assert (tmp_path / "docs" / "benchmarks" / "formats.png").read_bytes().startswith(b"\x89PNG")
    text = file.read_text(encoding="utf-8")
    assert "](benchmarks/formats.png)" in text
    assert "- Record functions: not run." in text


def test_an_interrupted_report_ends_its_program_and_continues_later(tmp_path: Path):
    output = tmp_path / "serde.txt"
    command = (sys.executable, "-m", "benchmarks.report", "--only", "serde", "--busy", "--folder", str(tmp_path))
    page_file = tmp_path / "page.md"
    process = subprocess.Popen((*command, "--page", str(page_file)), cwd=PROJECT, stdout=subprocess.PIPE)
    eventually(output.exists, "the start of the program", 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert not output.with_suffix(".json").exists()
    assert "- Formats: not run." in page_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["proof", "proof-quick"])
def test_the_long_proof_runs_the_tests_and_the_report(target: str):
    done = subprocess.run(("make", "-n", target), cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "benchmarks.report" in done.stdout
    assert ("scripts/test || failed=1" in done.stdout) == (target == "proof")
