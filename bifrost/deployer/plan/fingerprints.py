"""Fingerprints of what an action was planned from, to notice whether declarations or the live state have moved.

Each is a keyed hash, so that a saved plan holds no value of a configuration.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import Action, DeploymentPlan, ResourceKind

_PLACES = frozenset({"path", "line", "tree", "changed_at"})
"""Fields that say where and when a file was written (and a tree, which repeats a text): another checkout has others."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The parts of an action's basis; each is empty where there is nothing to compare."""

    declared: str
    live: str
    operations: str


def fingerprints(plan: DeploymentPlan, declared: Declarations, live: LiveState, salt: bytes) -> list[Fingerprint]:
    """The fingerprint of each action of a plan, in its order.

    Args:
        salt: the key of the hashes, random for each saved plan.
    """
    by_name = {(kind, name): item for kind, name, item in _declared_items(declared)}
    return [
        Fingerprint(
            _digest(by_name.get((action.resource, action.name)), salt),
            _digest(_live_item(action, live), salt),
            _digest(action.operations or None, salt),
        )
        for action in plan.actions
    ]


def _declared_items(declared: Declarations) -> list[tuple[ResourceKind, str, object]]:
    kinds: Mapping[ResourceKind, tuple[Any, ...]] = {
        ResourceKind.TOPIC: declared.topics,
        ResourceKind.SUBJECT: declared.subjects,
        ResourceKind.CONNECTOR: declared.connectors,
        ResourceKind.STATEMENT: declared.statements,
        ResourceKind.TEMPLATE: declared.templates,
        ResourceKind.SERVICE: declared.services,
    }
    return [
        *((kind, item.name, item) for kind, items in kinds.items() for item in items),
        *((ResourceKind.DASHBOARD, item.pipeline, item) for item in declared.dashboards),
    ]


def _live_item(action: Action, live: LiveState) -> object:
    name = action.name
    match action.resource:
        case ResourceKind.TOPIC:
            return live.topics.get(name)
        case ResourceKind.SUBJECT:
            return live.subjects.get(name)
        case ResourceKind.CONNECTOR:
            connector = live.connectors.get(name)
            return None if connector is None else connector.config
        case ResourceKind.STATEMENT:
            source = live.sources.get(name)
            writers = {
                key: query.summary.statement for key, query in live.queries.items() if name in query.summary.sinks
            }
            return None if source is None and not writers else (source and source.description.statement, writers)
        case ResourceKind.QUERY:
            query = live.queries.get(name)
            return None if query is None else query.summary.statement
        case ResourceKind.TEMPLATE:
            return (live.templates or {}).get(name)
        case ResourceKind.DASHBOARD:
            return (live.dashboards or {}).get(name)
        case ResourceKind.BUCKET | ResourceKind.SERVICE:
            return None  # exists or not, which the action's kind says


def _digest(item: object, salt: bytes) -> str:
    if item is None:
        return ""
    text = json.dumps(_plain(item), sort_keys=True, ensure_ascii=False)
    return hmac.new(salt, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _plain(item: Any) -> Any:
    """An item as JSON values, equal for equal items in every process."""
    if is_dataclass(item):
        known = {field.name: getattr(item, field.name) for field in fields(item) if field.name not in _PLACES}
        return {"": type(item).__name__, **{name: _plain(value) for name, value in known.items()}}
    match item:
        case Mapping():
            return {str(key): _plain(value) for key, value in item.items()}
        case list() | tuple():
            return [_plain(value) for value in item]
        case set() | frozenset():
            return sorted((_plain(value) for value in item), key=repr)
        case Path():
            return item.name
        case None | bool() | int() | float() | str():
            return item
        case _:
            return repr(item)
