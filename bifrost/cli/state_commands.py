"""What `pause`, `resume`, `stop` and `restart` have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from bifrost.cli.completion import complete_live
from bifrost.cli.consent import require_consent
from bifrost.cli.options import settings_for
from bifrost.cli.output import Screen
from bifrost.clients.http import SystemClock
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.operations.action_log import ActionLog, account_name, action_log_of
from bifrost.operations.live_things import ThingKind, find_live, is_pattern, service_names
from bifrost.operations.state_changes import Change, StateChange, carry_out, plan_state_changes

LiveNameArgument = Annotated[
    str,
    typer.Argument(
        help="A connector, query (or its stream or table), service or component, or KIND:NAME, with * and ?.",
        autocompletion=complete_live,
    ),
]
_DONE = {
    Change.PAUSE: "is paused",
    Change.RESUME: "runs again",
    Change.STOP: "is stopped",
    Change.RESTART: "runs again",
}


def change_states(change: Change, name: str, target: str | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Find the things, ask where more than the one that was named is concerned, and change them one by one."""
    settings, screen = settings_for(target), Screen(as_json=as_json)
    with open_platform(settings) as platform, screen.working(f"{change} {name}"):
        planned = plan_state_changes(change, find_live(platform, service_names(settings), name))
        done: list[StateChange] = []
        if not dry_run:
            if _needs_consent(name, planned):
                require_consent([str(item) for item in planned if item.is_change], screen, yes=yes)
            for item in planned:
                screen.progress(f"{change} {item.thing}")
                done.append(_carried_out(action_log_of(settings), platform, item))
    if as_json:
        screen.json(
            {"target": settings.target, "dry_run": dry_run, "changes": [_as_json(item) for item in done or planned]}
        )
        return
    for line in _lines(done or planned, dry_run=dry_run):
        screen.say(line)


def _carried_out(log: ActionLog, platform: Platform, item: StateChange) -> StateChange:
    if not item.is_change:
        return item
    with log.logged(account_name(), str(item.change), str(item.thing), (str(item),)) as result:
        done = carry_out(platform, item, SystemClock())
        result.text = f"{done.thing} is {done.after}."
    return done


def _needs_consent(name: str, planned: Sequence[StateChange]) -> bool:
    """A thing that was named was meant; a pattern may select more, and a part of the platform is needed by others."""
    changed = [item for item in planned if item.is_change]
    ends_part = any(item.thing.kind is ThingKind.COMPONENT and item.after == "STOPPED" for item in changed)
    return ends_part or (len(changed) > 1 and is_pattern(name))


def _lines(changes: Sequence[StateChange], *, dry_run: bool) -> Iterator[str]:
    for item in changes:
        name = f"{str(item.thing.kind).capitalize()} {item.thing.name}"
        if not item.is_change:
            yield f"{name} is {item.before} already."
        elif dry_run:
            yield f"Would {item}"
        else:
            done = "is stopped" if item.after == "STOPPED" else _DONE[item.change]
            yield f"{name} {done}{f': {item.note}' if item.note else ''}."


def _as_json(item: StateChange) -> dict[str, Any]:
    return {
        "kind": str(item.thing.kind),
        "name": item.thing.name,
        "before": item.before,
        "after": item.after,
        "changed": item.is_change,
        "note": item.note,
    }
