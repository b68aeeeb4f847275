"""Compares declared index templates, buckets and Kibana dashboards with live ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bifrost.clients.search import Body
from bifrost.dashboards.declared import Dashboard, IndexTemplate
from bifrost.dashboards.saved_objects import content_mark
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    CreateBucket,
    ImportDashboard,
    PutTemplate,
    ResourceKind,
    keep,
)
from bifrost.deployer.targets import OWNER_KEY


def plan_templates(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for index templates; none on a target without a search engine."""
    if live.templates is not None:
        for template in declared.templates:
            yield _template(template, live.templates.get(template.name))


def plan_buckets(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for the buckets that sinks write to; none on a target without its own object store."""
    if live.buckets is not None:
        for bucket in declared.buckets:
            if bucket in live.buckets:
                yield keep(ResourceKind.BUCKET, bucket)
            else:
                yield Action(ActionKind.CREATE, ResourceKind.BUCKET, bucket, "is missing", (CreateBucket(bucket),))


def plan_dashboards(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for Kibana's dashboards; none where the console shows them."""
    if live.dashboards is not None:
        for dashboard in declared.dashboards:
            yield _dashboard(dashboard, live.dashboards.get(dashboard.pipeline))


def owned_body(template: IndexTemplate) -> dict[str, Any]:
    """The template's body with the key that marks it as this project's."""
    meta = template.body.get("_meta") or {}
    return {**template.body, "_meta": {**meta, OWNER_KEY: template.pipeline}}


def template_difference(declared: Body, live: Body) -> str | None:
    """The first part of a template that differs, `None` when all are alike.

    The engine fills in defaults, writes settings in full (`index.refresh_interval`) and makes their values strings.
    """
    for key in declared:
        wanted, found = _normal(key, declared[key]), _normal(key, live.get(key))
        if wanted != found:
            return f"{key} differs"
    return None


def _template(template: IndexTemplate, found: Body | None) -> Action:
    body = owned_body(template)
    step = (PutTemplate(template.name, body),)
    if found is None:
        return Action(ActionKind.CREATE, ResourceKind.TEMPLATE, template.name, "is missing", step)
    differs = template_difference(body, found)
    if differs is None:
        return keep(ResourceKind.TEMPLATE, template.name)
    reason = f"{differs}; existing indices keep their mappings"
    return Action(ActionKind.UPDATE, ResourceKind.TEMPLATE, template.name, reason, step)


def _dashboard(dashboard: Dashboard, description: str | None) -> Action:
    step = (ImportDashboard(dashboard),)
    if description is None:
        return Action(ActionKind.CREATE, ResourceKind.DASHBOARD, dashboard.pipeline, "is not in Kibana", step)
    if content_mark(dashboard) in description:
        return keep(ResourceKind.DASHBOARD, dashboard.pipeline)
    return Action(ActionKind.UPDATE, ResourceKind.DASHBOARD, dashboard.pipeline, "differs from the declared one", step)


def _normal(key: str, value: Any) -> Any:
    if key != "template" or not isinstance(value, Mapping):
        return value
    settings = {name if name.startswith("index.") else f"index.{name}": text for name, text in _flat(value)}
    return {"settings": settings, "mappings": value.get("mappings") or {}, "aliases": value.get("aliases") or {}}


def _flat(template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    def walk(prefix: str, node: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for name, value in node.items():
                yield from walk(f"{prefix}.{name}" if prefix else name, value)
        else:
            yield prefix, _text(node)

    return walk("", template.get("settings") or {})


def _text(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list():
            return [_text(item) for item in value]
        case _:
            return value
