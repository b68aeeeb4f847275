"""Fuzzes every place where bytes or text come in, for a time; needs no platform.

    python -m benchmarks.fuzz --minutes 10                     all areas, ten minutes each
    python -m benchmarks.fuzz --minutes 1 --only parser frames
    python -m benchmarks.fuzz --seed 7 --only ksqldb

Prints each finding with the input that causes it and its seed. Exit code 1 if there are findings.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys

from benchmarks.fuzz import files, language, network, records, servers
from benchmarks.fuzz.trial import Area, Outcome, run_area

AREAS: dict[str, Area] = {
    "parser": language.parser,
    "planner": language.planner,
    "deserializers": records.deserializers,
    "inference": records.inference,
    "pipelines": records.pipelines,
    "ksqldb": servers.ksqldb,
    "rest_proxy": servers.rest_proxy_server,
    "console": servers.console,
    "frames": network.frames,
    "syslog": network.syslog,
    "bot": network.bot,
    "declarations": files.declarations,
    "alerts": files.alerts,
    "environment": files.environment,
    "csv": files.csv,
}


def main() -> None:
    """Run the areas one after the other and print what each found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each area")
    parser.add_argument("--seed", default="", help="random by default")
    parser.add_argument("--only", nargs="*", choices=sorted(AREAS), default=list(AREAS), help="areas to fuzz")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    args = parser.parse_args()
    seed = args.seed or f"{random.SystemRandom().randrange(10**9)}"
    logging.disable(logging.CRITICAL)  # refused input is logged, and most input here is refused
    outcomes = [_run(name, seed, args.minutes * 60) for name in args.only]
    if args.json:
        print(json.dumps({"seed": seed, "areas": [_as_json(outcome) for outcome in outcomes]}))
    sys.exit(any(outcome.findings for outcome in outcomes))


def _run(name: str, seed: str, seconds: float) -> Outcome:
    outcome = run_area(name, AREAS[name], seed, seconds)
    if outcome.skipped:
        print(f"{name:<14} skipped: {outcome.skipped}", file=sys.stderr, flush=True)
        return outcome
    counts = f"{outcome.trials:>9} inputs, {outcome.refused:>9} refused, {len(outcome.findings)} findings"
    print(f"{name:<14} {counts}  (seed {seed})", file=sys.stderr, flush=True)
    return outcome


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "area": outcome.area,
        "skipped": outcome.skipped,
        "inputs": outcome.trials,
        "refused": outcome.refused,
        "findings": outcome.findings,
    }


if __name__ == "__main__":
    main()
