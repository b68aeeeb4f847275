"""What the panels of the ratings draw, from answers of the search engine."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import vl_convert

from bifrost.console.vega_bundle import VEGA_LITE
from bifrost.settings import PROJECT

FOLDER = PROJECT / "dashboards" / "ratings"


def drawn(panel: str, rows: list[dict[str, Any]]) -> list[str]:
    """The labels that a panel draws of these rows."""
    spec = json.loads((FOLDER / f"{panel}.json").read_text(encoding="utf-8"))
    spec |= {"data": {"values": rows}, "width": 300, "height": 100}
    return re.findall(r">([^<>]*★[^<>]*)<", vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE))


def group(name: str, *stars: int) -> dict[str, Any]:
    """A club's or a channel's part of an answer, with these ratings."""
    counts = [{"key": star, "doc_count": stars.count(star)} for star in sorted(set(stars))]
    return {"key": name, "doc_count": len(stars), "stars": {"buckets": counts}}


@pytest.mark.parametrize("panel", ["median-by-club", "median-by-channel"])
@pytest.mark.parametrize(
    ("stars", "label"),
    [
        ((3,), "3 ★  of 1"),
        ((1, 1, 1, 5, 5), "1 ★  of 5"),
        ((1, 1, 2, 5, 5), "2 ★  of 5"),
        ((1, 5, 5), "5 ★  of 3"),
        ((1, 1, 4, 4), "1 ★  of 4"),
        ((2, 3), "2 ★  of 2"),
        ((1, 2, 3, 4, 5) * 300, "3 ★  of 1,500"),
    ],
)
def test_the_median_is_the_middle_rating_of_two_the_lower(panel: str, stars: tuple[int, ...], label: str):
    assert drawn(panel, [group("gold", *stars)]) == [label]


def test_each_group_has_its_own_median():
    assert sorted(drawn("median-by-club", [group("gold", 5, 5), group("silver", 1, 1, 2)])) == [
        "1 ★  of 3",
        "5 ★  of 2",
    ]
