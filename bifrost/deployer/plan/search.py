"""Compares declared index templates, buckets and Kibana dashboards with live ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bifrost.clients.search import Body
from bifrost.clients.search_indices import SearchIndex
from bifrost.dashboards.declared import Dashboard, IndexTemplate
from bifrost.dashboards.saved_objects import content_mark
from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import (
    Action,
    ActionKind,
    CopyIndex,
    CreateBucket,
    ImportDashboard,
    Operation,
    PutTemplate,
    ResourceKind,
    UpdateIndex,
    keep,
)
from bifrost.deployer.plan.index_changes import IndexChange, changes_of
from bifrost.deployer.plan.index_writers import writers_of
from bifrost.deployer.plan.losses import Loss
from bifrost.deployer.plan.template_equality import template_difference
from bifrost.deployer.targets import OWNER_KEY


def plan_templates(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for index templates; none on a target without a search engine."""
    if live.templates is not None:
        for template in declared.templates:
            yield _template(template, live)


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


def _template(template: IndexTemplate, live: LiveState) -> Action:
    found = (live.templates or {}).get(template.name)
    body = owned_body(template)
    differs = "is missing" if found is None else template_difference(body, found)
    if differs is None:
        return keep(ResourceKind.TEMPLATE, template.name)
    kind = ActionKind.CREATE if found is None else ActionKind.UPDATE
    notes: list[str] = []
    steps: list[Operation] = []
    losses: list[Loss] = []
    for index in live.indices.get(template.name, ()):
        change = changes_of(body["template"], index)
        if change.fixed:
            sinks = writers_of(index.public_name, {name: item.config for name, item in live.connectors.items()})
            steps.append(_copy(index, body["template"], sinks))
            losses.append(Loss(_copy_text(change, sinks), "reindex"))
            kind = ActionKind.REPLACE
        elif change.mapping or change.settings:
            steps.append(UpdateIndex(index.name, change.mapping, change.settings))
            notes.append(_update_text(change))
    # The template comes last: after an interruption it still differs, so that the rest is planned again.
    steps.append(PutTemplate(template.name, body))
    reason = "; ".join([differs, *notes])
    return Action(kind, ResourceKind.TEMPLATE, template.name, reason, tuple(steps), loss=tuple(losses))


def _update_text(change: IndexChange) -> str:
    named = [*change.mapping.get("properties", {}), *(key for key in change.mapping if key != "properties")]
    return f"the index {change.index.public_name} gets {', '.join([*named, *change.settings])} in place"


def _copy_text(change: IndexChange, sinks: tuple[str, ...]) -> str:
    index = change.index
    count = f"{index.documents:,} document{'' if index.documents == 1 else 's'}"
    stopped = f", while {', '.join(sinks)} is stopped" if sinks else "; what is written to it meanwhile may be missing"
    return (
        f"{'; '.join(change.fixed)} in the index {index.public_name}, which cannot be changed in place: its {count} "
        f"are copied to a new index that takes over the name{stopped}"
    )


def _copy(index: SearchIndex, template: Body, sinks: tuple[str, ...]) -> CopyIndex:
    base, _, number = index.name.rpartition("-")
    is_copy = re.fullmatch("[0-9]{1,18}", number) is not None and index.public_name == base
    target = f"{index.public_name}-{int(number) + 1 if is_copy else 2:06}"
    return CopyIndex(index.name, target, index.public_name, template, sinks)


def _dashboard(dashboard: Dashboard, description: str | None) -> Action:
    step = (ImportDashboard(dashboard),)
    if description is None:
        return Action(ActionKind.CREATE, ResourceKind.DASHBOARD, dashboard.pipeline, "is not in Kibana", step)
    if content_mark(dashboard) in description:
        return keep(ResourceKind.DASHBOARD, dashboard.pipeline)
    return Action(ActionKind.UPDATE, ResourceKind.DASHBOARD, dashboard.pipeline, "differs from the declared one", step)
