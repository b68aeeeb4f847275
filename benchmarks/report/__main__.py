"""Runs all benchmarks one after another on a free machine, and writes docs/benchmarks.md.

    python -m benchmarks.report
    python -m benchmarks.report --quick                      # small sizes, up to an hour: whether all works
    python -m benchmarks.report --only serde engine_latency  # some of them
    python -m benchmarks.report --again soak                 # all that is missing, and the soak once more
    python -m benchmarks.report --page-only                  # the page of what has run so far

Programs that need no platform come first, then those that share one, then those that start their own. The raw output
of each and its result stay in `.bifrost/report`, and a report that is started again runs only what is missing: say
`--again` to repeat something. A program that ends with an error, does not end in time, or whose output lacks a figure
is shown as failed. The page has the machine, the versions, each figure beside its aim, what falls short, pictures, and
the output of each program. A quick report is a page in `.bifrost/report/quick`. Exit code 1 if a program failed, 2 if
the machine is busy; `--busy` runs it anyway.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report.entries import ENTRIES, selected
from benchmarks.report.entry import Entry, Needs, Size
from benchmarks.report.machine import machine
from benchmarks.report.page import page
from benchmarks.report.pictures import pictures
from benchmarks.report.results import Results
from benchmarks.report.run import Run, not_started, run_one
from benchmarks.report.shared_platform import SharedPlatform
from bifrost.errors import BifrostError
from bifrost.settings import PROJECT

BUSY_SHARE = 0.5
"""The load per core from which the machine counts as busy."""
CALM_S = 240.0
"""The load of the tests, or of the program before, has so long to sink."""
CALM_PAUSE_S = 2.0
FOLDER = PROJECT / ".bifrost" / "report"


def main() -> int:
    """Run what is missing and write the page; exit code 1 if a program failed."""
    args = _arguments()
    size = Size.QUICK if args.quick else Size.FULL
    results = Results(args.folder / size if args.quick else args.folder, size)
    file = args.page or (results.folder / "benchmarks.md" if args.quick else PROJECT / "docs" / "benchmarks.md")
    entries = list(selected(args.only, args.skip, size))
    if args.again is not None:
        for entry in entries:
            if not args.again or entry.name in args.again:
                results.forget(entry)
    missing = [entry for entry in entries if results.read(entry) is None]
    have_run = len(entries) - len(missing)
    print(f"{have_run} of {len(entries)} programs have run; their outputs are in {results.folder}", flush=True)
    if args.page_only:
        missing.clear()
    calm_s = CALM_S if size is Size.FULL and not args.busy else 0.0
    if missing and calm_s and not await_calm(calm_s):
        load = os.getloadavg()[0]
        print(f"load average {load:.1f}: other programs would change the figures; wait, or add --busy", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        run_all(missing, results, calm_s=calm_s)
    finally:
        write_page(file, results)
    found = [results.read(entry) for entry in entries]
    return int(any(run is None or run.problem for run in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [entry.name for entry in ENTRIES]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--skip", nargs="+", default=[], choices=names, metavar="NAME")
    parser.add_argument(
        "--again", nargs="*", choices=names, metavar="NAME", help="run these again; without a name, all"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, whose figures say nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for outputs and results (.bifrost/report)")
    parser.add_argument("--page", type=Path, help="the file to write (docs/benchmarks.md)")
    parser.add_argument("--page-only", action="store_true", help="run nothing")
    parser.add_argument("--busy", action="store_true", help="run on a busy machine, too")
    return parser.parse_args()


def run_all(entries: Sequence[Entry], results: Results, *, calm_s: float = 0.0) -> None:
    """Run programs in the order of their needs, and keep their results; with a line before and after each.

    Args:
        calm_s: how long to wait for a low load before each program.
    """
    order = list(Needs)
    with SharedPlatform() as platform:
        for number, entry in enumerate(sorted(entries, key=lambda each: order.index(each.needs)), 1):
            if entry.needs is not Needs.PLATFORM:
                platform.stop()
            place = f"[{number}/{len(entries)}]"
            limit = entry.deadline_s(results.size) / 60
            print(f"{place} {time.strftime('%H:%M')} {entry.name}, at most {limit:.0f} minutes", flush=True)
            run = run_entry(entry, results, platform, calm_s)
            results.write(run)
            print(f"{place} {time.strftime('%H:%M')} {entry.name}: {summary(run)}", flush=True)


def run_entry(entry: Entry, results: Results, platform: SharedPlatform, calm_s: float = 0.0) -> Run:
    """Run a program, on the platform that it needs."""
    try:
        environment = platform.environment() if entry.needs is Needs.PLATFORM else os.environ
    except RuntimeError as error:
        return not_started(entry, results.size, str(error))
    await_calm(calm_s)
    return run_one(entry, results.size, environment, results.output(entry))


def summary(run: Run) -> str:
    """What became of a run, in a line."""
    if run.problem:
        return f"FAILED after {run.seconds:.0f} s, {run.problem}"
    figures = [(aim, figure) for aim, figure in run.results() if figure is not None]
    missed = sum(not aim.is_met(figure) for aim, figure in figures)
    aims = f", {len(figures) - missed} of {len(figures)} aims met" if figures else ""
    return f"ended well after {run.seconds:.0f} s{aims}"


def write_page(file: Path, results: Results) -> None:
    """Write the page of all that has run so far, whichever programs this report was to run."""
    entries = list(selected((), (), results.size))
    found = {entry.name: run for entry in ENTRIES if (run := results.read(entry)) is not None}
    missing = [entry for entry in entries if entry.name not in found]
    runs = list(found.values())
    text = page(runs, missing, results.size, machine(), pictures(runs, file))
    file.write_text(text, encoding="utf-8")
    print(f"wrote {file}", flush=True)


def await_calm(seconds: float) -> bool:
    """Wait until the machine is not busy, at most so long; returns whether it is not."""
    ends = time.monotonic() + seconds
    while is_busy := os.getloadavg()[0] > BUSY_SHARE * (os.cpu_count() or 1):
        if time.monotonic() >= ends:
            break
        time.sleep(CALM_PAUSE_S)
    return not is_busy


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
