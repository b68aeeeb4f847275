"""Draws a measure of all parts over time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import vl_convert

from benchmarks.soak.samples import Sample

TITLES = {
    "resident": ("Resident memory", "MB", 2**20),
    "threads": ("Threads", "threads", 1),
    "open_files": ("Open files", "files", 1),
    "cpu": ("Processor time", "cores", 1),
    "disk": ("Data and logs on disk", "MB", 2**20),
    "lag": ("Unread records by consumer group", "records", 1),
}
"""Title, unit and divisor by measure."""
MOST_LINES = 12
"""The parts with the largest values are drawn."""
_VEGA_LITE = "5.21"


def draw(samples: Iterable[Sample], measure: str, file: Path) -> None:
    """Write a PNG with a line per part."""
    title, unit, divisor = TITLES[measure]
    found = [sample for sample in samples if sample.measure == measure]
    highest: dict[str, float] = {}
    for sample in found:
        highest[sample.part] = max(sample.value, highest.get(sample.part, 0.0))
    shown = set(sorted(highest, key=lambda part: -highest[part])[:MOST_LINES])
    values = [
        {"minutes": sample.at_s / 60, "part": sample.part, "value": sample.value / divisor}
        for sample in found
        if sample.part in shown
    ]
    chart = {
        "title": title,
        "width": 760,
        "height": 280,
        "data": {"values": values},
        "mark": {"type": "line", "interpolate": "monotone"},
        "encoding": {
            "x": {"field": "minutes", "type": "quantitative", "title": "minutes"},
            "y": {"field": "value", "type": "quantitative", "title": unit},
            "color": {"field": "part", "type": "nominal", "title": None, "scale": {"scheme": "category20"}},
        },
    }
    file.write_bytes(vl_convert.vegalite_to_png(chart, vl_version=_VEGA_LITE, scale=1.5))
