"""Reads `dashboards/<pipeline>/`: index templates, panels, and the dashboard that lays them out.

dashboard.json          title, time range, refresh, and where each panel is (Kibana's grid of 48 columns)
<panel>.json            a Vega or Vega-Lite spec whose data is a search in the form of Kibana's Vega panels, or a
                        saved search (`columns`, `sort`, `index`), which is shown as a table
templates/<name>.json   a composable index template, as `PUT _index_template/<name>` takes it
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bifrost.clients.search_retention import retention_of
from bifrost.errors import DeclarationError

FOLDER = "dashboards"
LAYOUT = "dashboard.json"
COLUMNS = 48
"""Columns of Kibana's grid; a row is 20 pixels high."""
DEFAULT_FROM = "now-15m"
# A month has 30 days here and a year 365: only the initial range of a page depends on it.
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}
_AGO = re.compile(r"now-([0-9]{1,9})([smhdwMy])(?:/[smhdwMy])?")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IndexTemplate:
    """One file of `templates/`; `body` is as written."""

    name: str
    pipeline: str
    path: Path
    body: Json


@dataclass(frozen=True, slots=True)
class GridPosition:
    """The position and size of a panel on Kibana's grid, in columns and rows."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega or Vega-Lite panel: `spec` as written, including its searches."""

    name: str
    title: str
    description: str
    position: GridPosition
    spec: Json


@dataclass(frozen=True, slots=True)
class Table:
    """A panel that lists documents: `columns` are fields, `sort` is (field, direction) pairs."""

    name: str
    title: str
    description: str
    position: GridPosition
    index: str
    time_field: str
    columns: tuple[str, ...]
    sort: tuple[tuple[str, str], ...]
    size: int


Panel = Chart | Table


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard of a pipeline. `time_from` and `time_to` are Kibana's date math, `refresh_ms` 0 means never."""

    pipeline: str
    path: Path
    title: str
    description: str
    time_from: str
    time_to: str
    refresh_ms: int
    panels: tuple[Panel, ...]

    @property
    def last_s(self) -> int:
        """The initial time range, in seconds before now."""
        return _seconds(self.time_from) or _seconds(DEFAULT_FROM)


def dashboard_files(project: Path) -> list[Path]:
    """The files that `read_dashboard` takes, by pipeline."""
    return sorted((project / FOLDER).glob(f"*/{LAYOUT}"))


def template_files(project: Path) -> list[Path]:
    """The files that `read_template` takes, by pipeline and name."""
    return sorted((project / FOLDER).glob("*/templates/*.json"))


def read_dashboard(path: Path) -> Dashboard:
    """A pipeline's dashboard with its panels, which are the files beside it.

    Raises:
        DeclarationError: a file is malformed, a panel has no file, or a file no position.
    """
    layout = read_object(path)
    panels = [_object(path, entry, "panels") for entry in _list(path, layout, "panels")]
    places = {_text(path, entry, "panel"): _position(path, entry) for entry in panels}
    files = {file.stem: file for file in sorted(path.parent.glob("*.json")) if file.name != LAYOUT}
    for name in places.keys() ^ files.keys():
        raise DeclarationError(
            path, f"panel {name} has no file" if name in places else f"{name}.json has no position in it"
        )
    refresh = _object(path, layout.get("refreshInterval") or {}, "refreshInterval")
    return Dashboard(
        pipeline=path.parent.name,
        path=path,
        title=_text(path, layout, "title"),
        description=str(layout.get("description", "")),
        time_from=str(layout.get("timeFrom", DEFAULT_FROM)),
        time_to=str(layout.get("timeTo", "now")),
        # As in Kibana, a dashboard does not refresh unless its file says so.
        refresh_ms=0 if refresh.get("pause", True) else _number(path, refresh, "value", 0),
        panels=tuple(_panel(files[name], place) for name, place in places.items()),
    )


def read_template(path: Path) -> IndexTemplate:
    """An index template; the file's stem is its name.

    Raises:
        DeclarationError: the file is wrong.
    """
    body = read_object(path)
    _list(path, body, "index_patterns")
    if not isinstance(body.get("template"), dict):
        raise DeclarationError(path, 'expected an object "template"')
    try:
        retention_of(body)
    except ValueError as error:
        raise DeclarationError(path, str(error)) from error
    return IndexTemplate(path.stem, path.parent.parent.name, path, body)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises:
        DeclarationError: it holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DeclarationError(path, f"is not JSON: {error.msg}", line=error.lineno) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(path, f"cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or deep nesting
        raise DeclarationError(path, f"is not JSON that can be read: {error}") from error
    if not isinstance(content, dict):
        raise DeclarationError(path, "expected a JSON object", line=1)
    return content


def _panel(path: Path, position: GridPosition) -> Panel:
    content = read_object(path)
    title, description = _text(path, content, "title"), str(content.get("description", ""))
    if "$schema" in content:
        return Chart(path.stem, title, description, position, content)
    return Table(
        name=path.stem,
        title=title,
        description=description,
        position=position,
        index=_text(path, content, "index"),
        time_field=_text(path, content, "timeFieldName"),
        columns=tuple(str(column) for column in _list(path, content, "columns")),
        sort=tuple(_sort(path, pair) for pair in _list(path, content, "sort")),
        size=_number(path, content, "sampleSize", 50),
    )


def _sort(path: Path, pair: object) -> tuple[str, str]:
    match pair:
        case [str(field), "asc" | "desc" as direction]:
            return field, direction
        case _:
            raise DeclarationError(path, f'expected pairs of a field and "asc" or "desc" in "sort", not {pair!r:.80}')


def _position(path: Path, entry: Json) -> GridPosition:
    grid = entry.get("gridData")
    if not isinstance(grid, dict) or any(not isinstance(grid.get(side), int) for side in "xywh"):
        raise DeclarationError(path, f"panel {entry.get('panel')}: expected gridData with whole numbers x, y, w and h")
    position = GridPosition(grid["x"], grid["y"], grid["w"], grid["h"])
    if position.x < 0 or position.y < 0 or position.w < 1 or position.h < 1 or position.x + position.w > COLUMNS:
        raise DeclarationError(path, f"panel {entry.get('panel')} is not within the {COLUMNS} columns")
    return position


def _seconds(time_from: str) -> int:
    """The seconds of `now-15m` and the like; 0 for a time of another form."""
    ago = _AGO.fullmatch(time_from)
    return int(ago[1]) * _UNITS_S[ago[2]] if ago else 0


def _object(path: Path, value: object, key: str) -> Json:
    if not isinstance(value, dict):
        raise DeclarationError(path, f"expected an object in {key!r}, not {value!r:.80}")
    return value


def _number(path: Path, content: Json, key: str, default: int) -> int:
    value = content.get(key, default)
    if type(value) is not int or not 0 <= value < 2**31:
        raise DeclarationError(path, f"expected a whole number {key!r} from 0 to {2**31 - 1}, not {value!r:.80}")
    return value


def _text(path: Path, content: Json, key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise DeclarationError(path, f"expected a text {key!r}")
    return value


def _list(path: Path, content: Json, key: str) -> list[Any]:
    value = content.get(key)
    if not isinstance(value, list) or not value:
        raise DeclarationError(path, f"expected a list {key!r} that is not empty")
    return value
