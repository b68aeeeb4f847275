"""Compares declared services with those that the supervisor runs."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.deployer.declared.declarations import Declarations, DeclaredService
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import Action, ActionKind, ResourceKind, RestartService, StartService, keep


def plan_services(declared: Declarations, live: LiveState) -> Iterator[Action]:
    """The actions for services; none on a target that has no supervisor."""
    if live.services is not None or not live.is_running:
        yield from (_service(service, live) for service in declared.services)


def _service(service: DeclaredService, live: LiveState) -> Action:
    found = (live.services or {}).get(service.name)
    if found is None or found.state == "stopped":
        reason = "is not started" if found is None else "is stopped"
        return Action(ActionKind.CREATE, ResourceKind.SERVICE, service.name, reason, (StartService(service.name),))
    if found.state in ("failed", "backoff"):
        reason = f"{found.state}: {found.cause}"
    elif service.changed_at > found.since:
        reason = "its program was changed after it started: restarts, and continues from its committed offsets"
    else:
        return keep(ResourceKind.SERVICE, service.name)
    return Action(ActionKind.UPDATE, ResourceKind.SERVICE, service.name, reason, (RestartService(service.name),))
