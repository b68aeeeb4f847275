"""Runs all benchmarks on a free machine and writes docs/benchmarks.md.

    python -m benchmarks.report
    python -m benchmarks.report --only serde engine_latency --page figures.md

It runs one program after another, short ones first. Programs that need a platform share one that the report starts with
free ports; it is stopped before those run that start their own. All of them take some hours. The page has the machine,
the commit, each figure beside its aim, what falls short, and the output of each program. After an interruption,
`--continue` runs only what is missing. The report refuses to start on a busy machine; `--busy` runs it anyway.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.own_platform import own_platform
from benchmarks.report.entries import ENTRIES, Entry, Needs, selected
from benchmarks.report.machine import commit, machine
from benchmarks.report.page import Run, page
from benchmarks.soak.pictures import TITLES
from bifrost.errors import BifrostError
from bifrost.settings import PROJECT

BUSY_SHARE = 0.5
"""The load per core from which the machine counts as busy."""
LONGEST = 3.0
"""A program is ended after so many times its usual minutes."""


def main() -> int:
    """Run the programs and write the page; exit code 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted({entry.name for entry in ENTRIES})
    parser.add_argument("--only", nargs="*", default=[], choices=names, metavar="NAME")
    parser.add_argument("--skip", nargs="*", default=[], choices=names, metavar="NAME")
    parser.add_argument("--page", type=Path, default=PROJECT / "docs" / "benchmarks.md", help="the file to write")
    parser.add_argument("--continue", dest="resume", action="store_true", help="keep the results of the last run")
    parser.add_argument("--busy", action="store_true", help="run on a busy machine, too")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    if load > BUSY_SHARE * (os.cpu_count() or 1) and not args.busy:
        print(f"load average {load:.1f}: other programs would change the figures; wait, or add --busy", file=sys.stderr)
        return 2
    results = args.page.with_suffix(".json")
    entries = list(selected(args.only, args.skip))
    done = read_runs(results) if args.resume else {}
    for run in runs([entry for entry in entries if entry.text not in done]):
        done[run.entry.text] = run
        results.write_text(json.dumps([as_json(each) for each in done.values()], indent=1) + "\n", encoding="utf-8")
        print(f"{run.entry.text}: {run.seconds:.0f} s{', ' + run.problem if run.problem else ''}", flush=True)
    found = [done[entry.text] for entry in entries]
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    args.page.write_text(page(found, machine(), commit(), date, pictures(args.page.parent)), encoding="utf-8")
    print(f"wrote {args.page}")
    return int(any(run.problem for run in found))


def runs(entries: list[Entry]) -> Iterator[Run]:
    """Run the programs; those that need a platform first, with one for all of them."""
    shared = [entry for entry in entries if entry.needs is Needs.PLATFORM]
    alone = [entry for entry in entries if entry.needs is not Needs.PLATFORM]
    yield from (run_one(entry, os.environ) for entry in alone if entry.needs is Needs.NOTHING)
    if shared:
        with ExitStack() as stack:
            platform = stack.enter_context(own_platform())
            platform.succeed("up", "--ports", "auto", "--yes")
            for entry in shared:
                yield run_one(entry, {**os.environ, **platform.values})
    yield from (run_one(entry, os.environ) for entry in alone if entry.needs is Needs.OWN_PLATFORM)


def run_one(entry: Entry, environment: Mapping[str, str]) -> Run:
    """Run a program to its end, or to its deadline."""
    load, begin = os.getloadavg()[0], time.monotonic()
    command = (sys.executable, "-m", f"benchmarks.{entry.command[0]}", *entry.command[1:])
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * entry.minutes * LONGEST,
            check=False,
        )
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        output, code = _text(error.stdout), None
    return Run(entry, output, time.monotonic() - begin, load, code)


def _text(output: str | bytes | None) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""


def pictures(folder: Path) -> list[tuple[str, str]]:
    """The pictures of the soak run below a folder, by title."""
    found = ((title, folder / "soak" / f"{measure}.png") for measure, (title, _, _) in TITLES.items())
    return [(title, str(path.relative_to(folder))) for title, path in found if path.exists()]


def as_json(run: Run) -> dict[str, object]:
    """A run as the file of results holds it."""
    return {
        "command": run.entry.text,
        "output": run.output,
        "seconds": run.seconds,
        "load": run.load,
        "exit_code": run.exit_code,
    }


def read_runs(file: Path) -> dict[str, Run]:
    """The runs of an interrupted report, by command; those of programs that it does not know any more are left out."""
    if not file.exists():
        return {}
    known = {entry.text: entry for entry in ENTRIES}
    return {
        each["command"]: Run(known[each["command"]], each["output"], each["seconds"], each["load"], each["exit_code"])
        for each in json.loads(file.read_text(encoding="utf-8"))
        if each["command"] in known
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
