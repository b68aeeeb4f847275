"""`--only` and `--skip`: limits a plan to some things, and names what these need beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan, ResourceKind
from bifrost.deployer.plan.dependencies import Dependencies, Thing, dependencies_of
from bifrost.errors import SettingError

_REBUILDING = (ActionKind.REPLACE, ActionKind.DELETE)


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """`KIND:NAME` patterns, with `*` and `?`: what to change (empty: everything) and what to leave out."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.only or self.skip)

    def includes(self, thing: Thing) -> bool:
        """Whether a thing is selected."""
        return (not self.only or _matches(thing, self.only)) and not _matches(thing, self.skip)


def parse_filter(only: Iterable[str], skip: Iterable[str]) -> ActionFilter:
    """The filter of the words that a person typed.

    Raises:
        SettingError: a word is not `KIND:NAME`, or its kind is unknown.
    """
    return ActionFilter(_patterns("--only", only), _patterns("--skip", skip))


def select_actions(plan: DeploymentPlan, wanted: ActionFilter, declared: Declarations) -> DeploymentPlan:
    """The plan with the selected actions.

    A selected change is blocked, with the names, where something that it needs is missing and left out, or where it
    rebuilds something that others read which are left out.

    Raises:
        SettingError: nothing is selected.
    """
    if not wanted:
        return plan
    by_thing = {Thing(action.resource, action.name): action for action in plan.actions}
    selected = [thing for thing in by_thing if wanted.includes(thing)]
    if not selected:
        raise SettingError("--only/--skip", "nothing that is declared matches; `graph` lists all names")
    needs = dependencies_of(declared)
    left_out = {thing: action for thing, action in by_thing.items() if not wanted.includes(thing)}
    actions = tuple(_with_needs(thing, by_thing[thing], left_out, needs) for thing in selected)
    undeclared = tuple(item for item in plan.undeclared if wanted.includes(Thing(item.resource, item.name)))
    return replace(plan, actions=actions, undeclared=undeclared, left_out=len(left_out))


def selected_declarations(declared: Declarations, wanted: ActionFilter) -> Declarations:
    """The declarations of the selected things."""
    if not wanted:
        return declared
    return replace(
        declared,
        topics=tuple(item for item in declared.topics if wanted.includes(Thing(ResourceKind.TOPIC, item.name))),
        subjects=tuple(item for item in declared.subjects if wanted.includes(Thing(ResourceKind.SUBJECT, item.name))),
        connectors=tuple(
            item for item in declared.connectors if wanted.includes(Thing(ResourceKind.CONNECTOR, item.name))
        ),
        statements=tuple(
            item for item in declared.statements if wanted.includes(Thing(ResourceKind.STATEMENT, item.name))
        ),
        templates=tuple(
            item for item in declared.templates if wanted.includes(Thing(ResourceKind.TEMPLATE, item.name))
        ),
        dashboards=tuple(
            item for item in declared.dashboards if wanted.includes(Thing(ResourceKind.DASHBOARD, item.pipeline))
        ),
        services=tuple(item for item in declared.services if wanted.includes(Thing(ResourceKind.SERVICE, item.name))),
    )


def _with_needs(thing: Thing, action: Action, left_out: dict[Thing, Action], needs: Dependencies) -> Action:
    if not action.is_change or action.is_blocked:
        return action
    reasons = [
        f"needs {other}, which is missing and left out"
        for other in needs.all_needs(thing)
        if other in left_out and left_out[other].kind is ActionKind.CREATE
    ]
    if action.kind in _REBUILDING:
        reasons += [
            f"{other} reads it and would be rebuilt too, but is left out"
            for other in needs.all_needed_by(thing)
            if other in left_out and left_out[other].kind in _REBUILDING
        ]
    if not reasons:
        return action
    return Action(ActionKind.BLOCKED, action.resource, action.name, "; ".join(reasons))


def _matches(thing: Thing, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        kind, _, name = pattern.partition(":")
        if fnmatchcase(thing.kind.value, kind) and fnmatchcase(thing.name, name):
            return True
    return False


def _patterns(option: str, words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_pattern(option, part) for word in words for part in _split(word))


def _split(word: str) -> Iterator[str]:
    """Several patterns may stand in one word: `topic:ratings,connector:*`; a name may hold commas itself."""
    parts: list[str] = []
    for part in word.split(","):
        if parts and ":" not in part:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return iter(parts)


def _pattern(option: str, text: str) -> str:
    kind, sign, name = text.strip().partition(":")
    if not sign or not kind or not name:
        raise SettingError(option, f"{text!r} is not KIND:NAME, such as statement:ALERTS or connector:*")
    if not any(fnmatchcase(known.value, kind) for known in ResourceKind):
        raise SettingError(option, f"{kind!r} is not one of {', '.join(ResourceKind)}")
    return f"{kind}:{name}"
