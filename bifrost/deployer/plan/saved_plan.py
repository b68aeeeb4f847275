"""Plans in files: what was planned, and whether carrying it out now does exactly that."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import ActionKind, DeploymentPlan
from bifrost.deployer.plan.fingerprints import Fingerprint, fingerprints
from bifrost.deployer.plan.options import PlanOptions, options_from_json, options_json
from bifrost.deployer.plan.plan_text import plan_json
from bifrost.errors import PlanRefused, SettingError

FORMAT = 1
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PlanScope:
    """What a plan is about: the target, the environment (empty: none), the pipelines (empty: all), and the options."""

    target: str
    environment: str
    pipelines: tuple[str, ...]
    options: PlanOptions


@dataclass(frozen=True, slots=True)
class SavedAction:
    """An action of a saved plan, with the fingerprint of what it was planned from."""

    action: str
    what: str
    name: str
    reason: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan that was written to a file."""

    path: Path
    scope: PlanScope
    salt: bytes
    actions: tuple[SavedAction, ...]


def save_plan(path: Path, scope: PlanScope, plan: DeploymentPlan, declared: Declarations, live: LiveState) -> None:
    """Write a plan to a file that only its owner can read.

    Raises:
        SettingError: the file cannot be written.
    """
    salt = secrets.token_bytes(16)
    content = plan_json(plan, scope.target)
    for action, found in zip(content["actions"], fingerprints(plan, declared, live, salt), strict=True):
        action["fingerprint"] = asdict(found)
    content |= {
        "format": FORMAT,
        "environment": scope.environment,
        "pipelines": list(scope.pipelines),
        "options": options_json(scope.options),
        "salt": salt.hex(),
    }
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=False)
            file.write("\n")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise SettingError(str(path), f"cannot be written: {error.strerror}") from error


def read_plan(path: Path) -> SavedPlan:
    """Read a plan from its file.

    Raises:
        SettingError: the file cannot be read, or is no saved plan of this version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingError(str(path), "is not a saved plan: it is not JSON") from error
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise SettingError(str(path), f"is not a saved plan of format {FORMAT}; make it with `plan --out FILE`")
    try:
        scope = PlanScope(
            content["target"],
            content["environment"],
            tuple(content["pipelines"]),
            options_from_json(content["options"]),
        )
        actions = tuple(_action(entry) for entry in content["actions"])
        return SavedPlan(path, scope, bytes.fromhex(content["salt"]), actions)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingError(str(path), f"is a damaged plan ({type(error).__name__}: {error})") from error


def refuse_moved(saved: SavedPlan, plan: DeploymentPlan, declared: Declarations, live: LiveState) -> None:
    """Return if the plan of now does what was saved. What has been carried out since, as planned, does not matter.

    Raises:
        PlanRefused: declarations or the live state have moved; the message lists what.
    """
    moved = list(_moves(saved, plan, declared, live))
    if moved:
        lines = "".join(f"\n  - {line}" for line in moved)
        raise PlanRefused(
            f"nothing was changed; {saved.path} no longer fits what is declared and what runs:{lines}\n"
            "  make a new plan with `plan --out`"
        )


def _moves(saved: SavedPlan, plan: DeploymentPlan, declared: Declarations, live: LiveState) -> Iterator[str]:
    then = {(action.what, action.name): action for action in saved.actions}
    now: dict[_Key, tuple[str, str, Fingerprint]] = {
        (action.resource.value, action.name): (action.kind.value, action.reason, found)
        for action, found in zip(plan.actions, fingerprints(plan, declared, live, saved.salt), strict=True)
    }
    for key in (*then, *(key for key in now if key not in then)):
        before, after = then.get(key), now.get(key)
        problem = _move(None if before is None else (before.action, before.reason, before.fingerprint), after)
        if problem:
            yield f"{key[0]} {key[1]}: {problem}"


def _move(before: tuple[str, str, Fingerprint] | None, after: tuple[str, str, Fingerprint] | None) -> str:
    """How an action differs from the saved one; empty if it does not."""
    if after is None or before is None:
        known = before or after
        is_harmless = known is None or known[0] == ActionKind.KEEP
        return "" if is_harmless else "is no longer planned" if after is None else f"is planned now: {_words(after)}"
    if after[0] == ActionKind.KEEP:
        same = after[2].declared == before[2].declared or before[0] == ActionKind.KEEP
        return "" if same else "is already as declared now, but the declaration has changed"
    if before[0] != after[0]:
        return f"planned was {_words(before)}; now it is {_words(after)}"
    changed = [
        text
        for text, is_same in (
            ("the declaration has changed", before[2].declared == after[2].declared),
            ("the live one has changed", before[2].live == after[2].live),
        )
        if not is_same
    ]
    if not changed and before[2].operations != after[2].operations:
        changed = [f"the steps differ; now it is {_words(after)}"]
    return " and ".join(changed)


def _words(action: tuple[str, str, Fingerprint]) -> str:
    kind, reason, _ = action
    return f"{kind} ({reason})" if reason else kind


def _action(entry: Mapping[str, Any]) -> SavedAction:
    return SavedAction(
        entry["action"], entry["what"], entry["name"], entry["reason"], Fingerprint(**entry["fingerprint"])
    )
