"""Draws the charts of the report, and collects the pictures that programs draw."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import vl_convert

from benchmarks.report.entry import Chart
from benchmarks.report.run import Run
from benchmarks.soak.pictures import TITLES
from bifrost.settings import PROJECT

_VEGA_LITE = "5.21"


def pictures(runs: Iterable[Run], page: Path) -> dict[str, list[tuple[str, str]]]:
    """Write the pictures into a folder beside the page; returns titles and paths by the name of the entry.

    A failed run has those of the figures that it printed.
    """
    folder = page.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {run.entry.name: [(title, f"{folder.name}/{file.name}") for title, file in _of(run, folder)] for run in runs}


def _of(run: Run, folder: Path) -> Iterator[tuple[str, Path]]:
    for chart in run.entry.charts:
        if bars := chart.bars(run.output):
            file = folder / f"{chart.name}.png"
            draw(chart, bars, file)
            yield chart.title, file
    for drawn in _drawn_by(run):
        yield TITLES[drawn.stem][0], Path(shutil.copy(drawn, folder / f"{run.entry.name}_{drawn.name}"))


def _drawn_by(run: Run) -> list[Path]:
    """The pictures in the folder that the program got as `--folder`."""
    command = run.entry.command(run.size)
    if run.obstacle or "--folder" not in command:
        return []
    folder = PROJECT / command[command.index("--folder") + 1]
    return sorted(file for file in folder.glob("*.png") if file.stem in TITLES)


def draw(chart: Chart, bars: Mapping[tuple[str, str], float], file: Path) -> None:
    """Write a PNG with a bar per label and series."""
    file.write_bytes(vl_convert.vegalite_to_png(spec(chart, bars), vl_version=_VEGA_LITE, scale=1.5))


def spec(chart: Chart, bars: Mapping[tuple[str, str], float]) -> dict[str, Any]:
    """The chart as Vega-Lite has it; labels and series keep their order."""
    values = [{"label": label, "series": series, "value": value} for (label, series), value in bars.items()]
    labels = list(dict.fromkeys(label for label, _ in bars))
    names = list(dict.fromkeys(series for _, series in bars))
    label: dict[str, Any] = {"field": "label", "type": "nominal", "title": None, "sort": labels}
    value = {"field": "value", "type": "quantitative", "title": chart.unit, "axis": {"format": "~s"}}
    encoding: dict[str, Any] = {"y": label | {"axis": {"labelLimit": 320}}, "x": value}
    if len(names) > 1:
        encoding["yOffset"] = {"field": "series", "type": "nominal", "sort": names}
        encoding["color"] = {"field": "series", "type": "nominal", "title": None, "sort": names}
    return {
        "title": chart.title,
        "width": 620,
        "height": {"step": 18},
        "data": {"values": values},
        "mark": {"type": "bar", "tooltip": False},
        "encoding": encoding,
    }
