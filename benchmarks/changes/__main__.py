"""Deploys 42 changes that a team makes in a year, one after the other, and checks each.

    python -m benchmarks.changes
    python -m benchmarks.changes --first 11 --last 14

It starts its own platform and edits a copy of the project. For each change: the plan holds exactly the expected
actions and losses; a loss that is not allowed stops `up` before anything is changed (tried once per kind of loss);
after `up` with the losses allowed nothing is left to do; and nothing that the plan did not name was touched. Exit code
1 means that a check failed. With `--first`, the earlier changes are edits only, deployed together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.changes.change import Change, ProjectCopy, without_number
from benchmarks.changes.footprint import Footprint, read_footprint
from benchmarks.changes.year import YEAR
from benchmarks.own_platform import OwnPlatform, own_platform

PIPELINES = ("ratings", "patterns")


def main() -> int:
    """Deploy the changes and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int, default=len(YEAR))
    args = parser.parse_args()
    bad, tried = 0, set[str]()
    with tempfile.TemporaryDirectory(prefix="bifrost-changes-") as folder:
        copy = ProjectCopy(Path(folder) / "project")
        for change in YEAR[: args.first - 1]:
            change.edit(copy)
        with own_platform(copy.root) as platform:
            platform.succeed("up", *PIPELINES, "--no-demo", "--yes", "--ports", "auto")
            for number, change in enumerate(YEAR[args.first - 1 : args.last], args.first):
                began = time.monotonic()
                problems = list(problems_of(change, copy, platform, tried))
                bad += bool(problems)
                text = "".join(f"\n    {problem}" for problem in problems) or "as announced"
                took = time.monotonic() - began
                print(f"{number:3} {change.title} ({took:.1f} s): {text}", flush=True)
    count = args.last - args.first + 1
    print(f"{count - bad} of {count} changes did what their plan announced, and nothing else")
    return int(bad > 0)


def problems_of(change: Change, copy: ProjectCopy, platform: OwnPlatform, tried: set[str]) -> list[str]:
    """Deploy a change; what was not as announced. `tried` are the flags whose refusal was seen before."""
    before = read_footprint(platform.settings)
    change.edit(copy)
    wanted = (*(name for name in PIPELINES if (copy.root / "ksql" / f"{name}.sql").exists()), *change.options)
    up = ("up", *wanted, "--no-demo", "--yes")
    planned = _changes(platform, wanted)
    problems = _differences(change, planned)
    allowed: list[str] = []
    if flags := _flags(planned):
        if not flags <= tried:
            refused = platform.run(*up)
            if refused.returncode == 0 or read_footprint(platform.settings) != before:
                problems.append("a loss that was not allowed was carried out")
            tried |= flags
        allowed = [word for flag in sorted(flags) for word in ("--allow", flag)]
    done = platform.run(*up, *allowed)
    if done.returncode:
        return [*problems, f"up failed: {done.stderr.strip()[-600:]}"]
    left = [f"{action['what']} {action['name']}" for action in _changes(platform, wanted)]
    problems += [f"still to do: {', '.join(left)}"] if left else []
    touched = before.differences(read_footprint(platform.settings)) - _announced(change, planned, before)
    return [*problems, *([f"touched without a word: {', '.join(sorted(touched))}"] if touched else [])]


def _changes(platform: OwnPlatform, arguments: tuple[str, ...]) -> list[dict[str, Any]]:
    return [action for action in platform.plan(*arguments)["actions"] if action["action"] != "keep"]


def _differences(change: Change, planned: list[dict[str, Any]]) -> list[str]:
    actions = {f"{action['what']} {without_number(action['name'])}": action["action"] for action in planned}
    found = []
    if actions != dict(change.actions):
        reasons = "; ".join(f"{action['what']} {action['name']}: {action['reason']}" for action in planned)
        found.append(f"the plan holds {actions or 'nothing'}, not {dict(change.actions) or 'nothing'} ({reasons})")
    if _flags(planned) != change.flags:
        announced = (loss for action in planned for loss in action.get("losses", ()))
        losses = "; ".join(f"{loss['allow']}: {loss['what']}" for loss in announced)
        found.append(f"its losses need {sorted(_flags(planned))}, not {sorted(change.flags)} ({losses})")
    return found


def _flags(planned: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(loss["allow"] for action in planned for loss in action.get("losses", ()))


def _announced(change: Change, planned: list[dict[str, Any]], before: Footprint) -> set[str]:
    """The names that the plan and the change name, and the topics and subjects of the streams and tables among them."""
    names = {str(action["name"]) for action in planned} | change.touches
    names |= {before.topics_of[name] for name in names & before.topics_of.keys()}
    # What writes a topic registers its schema: a new connector for a new topic, a query for new columns.
    return names | {f"{name}-{part}" for name in names for part in ("key", "value")}


if __name__ == "__main__":
    raise SystemExit(main())
