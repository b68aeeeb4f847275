"""Converts a dashboard to Kibana's saved objects: index patterns, Vega visualizations, saved searches, the dashboard.

Specs are stored as written; only Kibana's envelope is added.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bifrost.clients.kibana import SavedObject
from bifrost.dashboards.declared import Chart, Dashboard, Panel, Table
from bifrost.dashboards.searches import CONTEXT, TIME_FIELD, chart_data

_PREFIX = "bifrost"
_TYPES = {Chart: "visualization", Table: "search"}


def dashboard_id(dashboard: Dashboard) -> str:
    """The id of the dashboard object."""
    return f"{_PREFIX}-{dashboard.pipeline}"


def content_mark(dashboard: Dashboard) -> str:
    """A hash of the declared content. Kibana rewrites what it imports, so only a hash can be compared."""
    # Without the mark, which would otherwise depend on itself.
    content = json.dumps([each.as_json() for each in _objects(dashboard, "")], sort_keys=True)
    return f"edition {hashlib.sha256(content.encode()).hexdigest()[:12]}"


def saved_objects(dashboard: Dashboard) -> list[SavedObject]:
    """The saved objects, each after those it refers to; the dashboard's description ends with its `content_mark`."""
    return _objects(dashboard, content_mark(dashboard))


def _objects(dashboard: Dashboard, mark: str) -> list[SavedObject]:
    patterns = {index: field for panel in dashboard.panels for index, field in _indices(panel)}
    return [
        *(_index_pattern(index, field) for index, field in sorted(patterns.items())),
        *(_panel(dashboard, panel) for panel in dashboard.panels),
        _dashboard(dashboard, mark),
    ]


def _indices(panel: Panel) -> list[tuple[str, str]]:
    match panel:
        case Table():
            return [(panel.index, panel.time_field)]
        case Chart():
            requests = (data.request for data in chart_data(panel))
            return [(request["index"], request[TIME_FIELD]) for request in requests if request.get(CONTEXT)]


def _index_pattern(index: str, field: str) -> SavedObject:
    return SavedObject("index-pattern", _pattern_id(index), {"title": index, "timeFieldName": field})


def _panel(dashboard: Dashboard, panel: Panel) -> SavedObject:
    own_id = _panel_id(dashboard, panel)
    own = {"title": panel.title, "description": panel.description}
    match panel:
        case Chart():
            spec = json.dumps(panel.spec, indent=2, ensure_ascii=False)
            state = {"title": panel.title, "type": "vega", "aggs": [], "params": {"spec": spec}}
            attributes = {**own, "visState": json.dumps(state), "uiStateJSON": "{}", **_search_source({}), "version": 1}
            return SavedObject("visualization", own_id, attributes)
        case Table():
            source = {"indexRefName": "index", "query": {"language": "kuery", "query": ""}, "filter": []}
            columns, sort = list(panel.columns), [list(pair) for pair in panel.sort]
            attributes = {**own, "columns": columns, "sort": sort, **_search_source(source), "version": 1}
            reference = {"name": "index", "type": "index-pattern", "id": _pattern_id(panel.index)}
            return SavedObject("search", own_id, attributes, (reference,))


def _dashboard(dashboard: Dashboard, mark: str) -> SavedObject:
    panels, references = [], []
    for number, panel in enumerate(dashboard.panels):
        kind, position = _TYPES[type(panel)], panel.position
        grid = {"x": position.x, "y": position.y, "w": position.w, "h": position.h, "i": str(number)}
        panels.append(
            {
                "type": kind,
                "gridData": grid,
                "panelIndex": str(number),
                "embeddableConfig": {},
                "panelRefName": f"panel_{number}",
            }
        )
        references.append({"name": f"{number}:panel_{number}", "type": kind, "id": _panel_id(dashboard, panel)})
    attributes = {
        "title": f"Bifrost: {dashboard.title}",
        "description": f"{dashboard.description} ({mark})".strip(),
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": dashboard.time_from,
        "timeTo": dashboard.time_to,
        "refreshInterval": {"pause": not dashboard.refresh_ms, "value": dashboard.refresh_ms},
        **_search_source({"query": {"language": "kuery", "query": ""}, "filter": []}),
        "version": 1,
    }
    return SavedObject("dashboard", dashboard_id(dashboard), attributes, tuple(references))


def _search_source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {"kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}}


def _pattern_id(index: str) -> str:
    return f"{_PREFIX}-index-{index}"


def _panel_id(dashboard: Dashboard, panel: Panel) -> str:
    return f"{_PREFIX}-{dashboard.pipeline}-{panel.name}"
