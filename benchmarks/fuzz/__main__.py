"""Fuzzes every place where bytes or text come in, for a time; needs no platform.

    python -m benchmarks.fuzz                            all areas, one minute each
    python -m benchmarks.fuzz parser frames --seconds 600
    python -m benchmarks.fuzz ksqldb --seed 7
    python -m benchmarks.fuzz --corpus                   only the inputs in the files of benchmarks/fuzz/corpus

Finds inputs that crash, hang, lose something, or end in an error that is not documented. Prints each kind of finding
once, with an input that was made as small as possible: a line for the corpus. Exit code 1 if there are findings.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys

from benchmarks.fuzz.areas import AREAS
from benchmarks.fuzz.corpus import read_corpus
from benchmarks.fuzz.trial import Outcome, replay, run_area


def main() -> None:
    """Run the areas one after the other and print what each found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each area (default: 60)")
    parser.add_argument("--seed", default="", help="random by default")
    parser.add_argument("--corpus", action="store_true", help="only the inputs in the corpus")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    args = parser.parse_args()
    if unknown := set(args.areas) - AREAS.keys():
        parser.error(f"no area {', '.join(sorted(unknown))}; there are {', '.join(AREAS)}")
    seed = args.seed or f"{random.SystemRandom().randrange(10**9)}"
    logging.disable(logging.CRITICAL)  # refused input is logged, and most input here is refused
    outcomes = [_run(name, seed, None if args.corpus else args.seconds) for name in args.areas or AREAS]
    skipped, found = sum(bool(each.skipped) for each in outcomes), sum(len(each.findings) for each in outcomes)
    print(f"{len(outcomes)} areas, {skipped} skipped, {found} findings", file=sys.stderr, flush=True)
    if args.json:
        print(json.dumps({"seed": seed, "areas": [_as_json(outcome) for outcome in outcomes]}))
    sys.exit(any(outcome.findings for outcome in outcomes))


def _run(name: str, seed: str, seconds: float | None) -> Outcome:
    area = AREAS[name]
    outcome = replay(name, area, read_corpus(name)) if seconds is None else run_area(name, area, seed, seconds)
    if outcome.skipped:
        print(f"{name:<16} skipped: {outcome.skipped}", file=sys.stderr, flush=True)
        return outcome
    counts = f"{outcome.inputs:>9} inputs, {outcome.refused:>9} refused, {len(outcome.findings)} findings"
    print(f"{name:<16} {counts}  (seed {seed})", file=sys.stderr, flush=True)
    return outcome


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "area": outcome.area,
        "skipped": outcome.skipped,
        "inputs": outcome.inputs,
        "refused": outcome.refused,
        "findings": outcome.findings,
    }


if __name__ == "__main__":
    main()
