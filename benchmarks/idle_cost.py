"""Measures what each part of the running platform costs while nothing but the demo's load arrives.

    python -m benchmarks.idle_cost --settle 900 --seconds 60

Prints the processor time of each component with its child processes, as a share of one core, and its threads and
resident memory. A Java process compiles its code during the first quarter of an hour, which costs up to a
third more; `--settle` waits for the end of that.
"""

from __future__ import annotations

import argparse
import json
import time

from benchmarks.platform import status
from benchmarks.process_usage import usage_of


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settle", type=float, default=0, help="seconds to wait before measuring (default: 0)")
    parser.add_argument("--seconds", type=float, default=60, help="seconds to measure (default: 60)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    pids = {entry["name"]: int(entry["pid"]) for entry in status()["components"] if entry["pid"]}
    time.sleep(args.settle)
    before = {name: usage_of(pid) for name, pid in pids.items()}
    began = time.monotonic()
    time.sleep(args.seconds)
    took_s = time.monotonic() - began
    after = {name: usage_of(pid) for name, pid in pids.items()}
    shares = {name: 100 * (after[name].cpu_s - before[name].cpu_s) / took_s for name in pids}
    if args.json:
        print(json.dumps({name: round(share, 2) for name, share in shares.items()}))
        return
    for name in sorted(shares, key=lambda name: -shares[name]):
        found = after[name]
        print(f"{name:22}{shares[name]:6.1f} % of a core{found.threads:6} threads{found.resident / 2**20:8.0f} MB")
    print(f"{'all':22}{sum(shares.values()):6.1f} % of a core")


if __name__ == "__main__":
    main()
