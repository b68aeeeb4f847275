"""Runs a whole platform under load for an hour, and reports what grows without end.

    python -m benchmarks.soak --minutes 60 --share 0.2 --folder soak
    python -m benchmarks.soak --read soak

It starts its own platform with all pipelines, and writes ratings, Wi-Fi frames, syslog lines, CSV files and rows of all
three databases. Every ten seconds it samples memory, threads, open files and processor time of each part, and once a
minute the disk and the lag of each consumer group. In the end it draws each measure (PNG files in the folder), and
prints the growth per hour of each part after a warm-up. Memory, threads, files, processor time and lag that grow beyond
a limit are faults if the run took 20 minutes, and so is a part that had to be restarted. Exit code 1 means that there
was one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from benchmarks.faults.loads import LOADS, PLATFORM_SETTINGS, RATES
from benchmarks.faults.marks import Marks
from benchmarks.faults.sender import Sender
from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.soak.pictures import TITLES, draw
from benchmarks.soak.samples import Sample, Sampler, read_samples
from benchmarks.soak.slopes import Slope, slope
from bifrost.errors import BifrostError

PACE_S = 10.0
SLOW_PACE_S = 60.0
JUDGED_S = 1200.0
"""In a shorter run the growth of a start is more than any limit: it is shown and not judged."""
SAMPLES = "samples.jsonl"


def main() -> int:
    """Run the platform, then print and draw the samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--share", type=float, default=0.2, help="the share of the usual rates to send (default 0.2)")
    parser.add_argument("--folder", type=Path, default=Path("soak"), help="where samples and pictures go")
    parser.add_argument("--read", type=Path, metavar="FOLDER", help="report a finished run again")
    args = parser.parse_args()
    folder = args.read or args.folder
    problems: list[str] = []
    if args.read is None:
        folder.mkdir(parents=True, exist_ok=True)
        with own_platform(**PLATFORM_SETTINGS) as platform:
            platform.succeed("up", "--ports", "auto", "--yes")
            problems = soak(platform, folder / SAMPLES, args.minutes * 60, args.share)
    return report(list(read_samples(folder / SAMPLES)), folder, problems)


def soak(platform: OwnPlatform, file: Path, seconds: float, share: float) -> list[str]:
    """Send and sample; returns the loads that ended with an error."""
    marks = Marks(uuid.uuid4().hex[:8])
    senders = {name: Sender(rate * share) for name, rate in RATES.items()}
    with file.open("w", encoding="utf-8") as out:
        sampler = Sampler(platform, out)
        for name, sender in senders.items():
            sender.start(LOADS[name](platform.settings, marks))
        ends, slow_due = time.monotonic() + seconds, 0.0
        while (now := time.monotonic()) < ends:
            sampler.processes()
            if now >= slow_due:
                slow_due = now + SLOW_PACE_S
                sampler.disk()
                sampler.lag()
                minutes = (ends - now) / 60
                print(f"{minutes:.0f} minutes left, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
            time.sleep(max(0.0, min(ends, now + PACE_S) - time.monotonic()))
        for sender in senders.values():
            sender.stop()
    return [f"{name}: {sender.error}" for name, sender in senders.items() if sender.error]


def report(samples: list[Sample], folder: Path, problems: list[str]) -> int:
    """Draw each measure, and print the growth of each part, faults first."""
    for measure in sorted({sample.measure for sample in samples} & TITLES.keys()):
        draw(samples, measure, folder / f"{measure}.png")
    is_judged = max((sample.at_s for sample in samples), default=0.0) >= JUDGED_S
    found = sorted(slopes(samples), key=lambda item: (not item.is_fault, item.measure, -item.per_hour))
    for item in found:
        _, unit, divisor = TITLES[item.measure]
        verdict = "  GROWS" if item.is_fault and is_judged else ""
        level, growth = item.level / divisor, item.per_hour / divisor
        print(f"{item.measure:11}{item.part[:44]:46}{level:10.2f} {unit}{growth:+10.2f} per hour{verdict}")
    problems = [*problems, *restarts(samples)]
    if is_judged and not any(sample.measure == "lag" for sample in samples):
        problems.append("no lag was read: try `lag --json` on a platform")
    for problem in problems:
        print(problem)
    growing = [f"{item.measure} of {item.part}" for item in found if item.is_fault and is_judged]
    judged = f"{len(growing)} measures grow" if is_judged else "too short to judge growth"
    names = f" ({', '.join(growing)})" if growing else ""
    print(f"{judged}{names}, {len(problems)} problems")
    return int(bool(problems or growing))


def slopes(samples: Iterable[Sample]) -> list[Slope]:
    """The growth of each measure of each part."""
    series = defaultdict(list)
    for sample in samples:
        if sample.measure in TITLES:
            series[sample.part, sample.measure].append((sample.at_s, sample.value))
    return [slope(part, measure, points) for (part, measure), points in series.items()]


def restarts(samples: Iterable[Sample]) -> list[str]:
    """The parts that were restarted during the run."""
    counts = {sample.part: int(sample.value) for sample in samples if sample.measure == "restarts"}
    return [f"{part} was restarted {count} times" for part, count in sorted(counts.items()) if count]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
