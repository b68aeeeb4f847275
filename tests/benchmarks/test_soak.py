"""The soak benchmark: which growth is a fault, and what a report says of a finished run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest

from benchmarks.soak.__main__ import report
from benchmarks.soak.samples import Sample, lags_of, read_samples, size_of
from benchmarks.soak.slopes import slope
from bifrost.cli.commands.lag import lags_json
from bifrost.operations.group_lag import GroupLag, PartitionLag
from bifrost.operations.group_owners import GroupOwner

MB = 2**20


def series(start: float, per_hour: float, noise: float = 0.0, seed: int = 1) -> list[tuple[float, float]]:
    """A sample every ten seconds for an hour."""
    random = Random(seed)
    return [(at, start + per_hour * at / 3600 + random.uniform(-noise, noise)) for at in range(0, 3600, 10)]


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_peaks_are_no_growth(seed: int):
    points = series(400 * MB, 0, noise=30 * MB, seed=seed)
    points[200] = points[200][0], 900 * MB
    found = slope("connect", "resident", points)
    assert not found.is_fault


def test_steady_growth_is_found_and_measured():
    found = slope("connect", "resident", series(400 * MB, 80 * MB, noise=10 * MB))
    assert found.is_fault
    assert found.per_hour == pytest.approx(80 * MB, rel=0.1)


def test_what_fills_in_the_first_minutes_is_left_out():
    points = [(at, min(at, 600) * MB) for at in range(0, 3600, 10)]
    assert slope("broker", "resident", [(float(at), float(value)) for at, value in points]).per_hour == 0


@pytest.mark.parametrize(("measure", "growth"), [("threads", 3), ("open_files", 15), ("lag", 1500), ("disk", 10**9)])
def test_a_small_growth_and_that_of_the_disk_is_no_fault(measure: str, growth: float):
    assert not slope("alerts", measure, series(20, growth)).is_fault


@pytest.mark.parametrize(("measure", "growth"), [("threads", 10), ("open_files", 60), ("lag", 5000), ("cpu", 0.5)])
def test_growth_beyond_the_limit_is_a_fault(measure: str, growth: float):
    assert slope("alerts", measure, series(0.2, growth)).is_fault


def test_without_samples_there_is_no_growth():
    assert slope("alerts", "lag", []).per_hour == 0
    assert slope("alerts", "lag", [(1.0, 5.0)]).per_hour == 0


def samples_of(part: str, measure: str, points: list[tuple[float, float]]) -> list[Sample]:
    return [Sample(at, part, measure, value) for at, value in points]


def test_the_growth_of_a_short_run_is_shown_and_not_judged(tmp_path: Path, capsys):
    samples = samples_of("connect", "resident", [(at, value) for at, value in series(0, 800 * MB) if at < 600])
    assert report(samples, tmp_path, []) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("+800.00 per hour")
    assert lines[-1] == "too short to judge growth, 0 problems"


def test_a_report_has_pictures_and_names_what_grows_and_what_was_restarted(tmp_path: Path, capsys):
    samples = samples_of("connect", "resident", series(400 * MB, 80 * MB))
    samples += samples_of("broker", "resident", series(300 * MB, 0))
    samples += samples_of("broker", "restarts", [(0.0, 0.0), (3600.0, 2.0)])
    samples += samples_of("alerts", "lag", series(0, 0))
    assert report(samples, tmp_path, []) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["resident", "connect"]
    assert lines[0].endswith("+80.00 per hour  GROWS")
    assert lines[-2:] == ["broker was restarted 2 times", "1 measures grow (resident of connect), 1 problems"]
    assert (tmp_path / "resident.png").read_bytes().startswith(b"\x89PNG")


def test_a_quiet_run_is_a_success(tmp_path: Path):
    samples = samples_of("broker", "threads", series(80, 0)) + samples_of("alerts", "lag", series(0, 0))
    assert report(samples, tmp_path, []) == 0


def test_a_run_that_read_no_lag_is_no_success(tmp_path: Path, capsys):
    assert report(samples_of("broker", "threads", series(80, 0)), tmp_path, []) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "no lag was read: try `lag --json` on a platform",
        "0 measures grow, 1 problems",
    ]


def test_samples_are_read_again(tmp_path: Path):
    samples = samples_of("broker", "threads", [(1.0, 80.0), (2.0, 81.0)])
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(asdict(sample)) + "\n" for sample in samples))
    assert list(read_samples(file)) == samples
    assert size_of(tmp_path) > 0


def test_lag_is_read_from_the_output_of_the_command():
    group = GroupLag("alert-ratings", GroupOwner("alert", "ratings"), (PartitionLag("ratings", 0, 3, 10, 7),))
    assert list(lags_of(json.dumps({"lag": 7, "groups": lags_json([group])}))) == [("alert-ratings", 7)]
    assert list(lags_of("")) == []
