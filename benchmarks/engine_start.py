"""Measures how long the engine takes to run all its queries again after a kill, and the CPU time of that.

    scripts/deploy.py up                    # all pipelines: 44 queries
    python -m benchmarks.engine_start --rounds 3

Each round kills `ksqldb` with -9; the supervisor starts it again. The clock begins with the new process. A query counts
as running when /metrics reports it as such, which is after it has restored its state and read its tables.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import time
from pathlib import Path

import requests

from benchmarks.engine_server import cpu_seconds, memory_mb, thread_count
from benchmarks.platform import pid_of, wait_for
from bifrost.settings import load

_PAUSE_S, _IDLE_S = 0.05, 5.0


def main() -> None:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    url = f"{load().endpoints.ksqldb}/metrics"
    queries = running(url)
    for number in range(1, args.rounds + 1):
        print(f"round {number}: {restarted(url, queries)}", flush=True)


def restarted(url: str, queries: int) -> str:
    """Kills the engine, waits until its queries run again, and returns a line of figures."""
    before = pid_of("ksqldb")
    if before is None:
        raise RuntimeError("ksqldb is not running")
    os.kill(before, signal.SIGKILL)
    wait_for("the new process", lambda: pid_of("ksqldb") not in (None, before), pause_s=_PAUSE_S)
    pid = pid_of("ksqldb") or 0
    wait_for(f"{queries} queries", lambda: running(url) >= queries, pause_s=_PAUSE_S)
    wall, cpu = age_s(pid), cpu_seconds(pid)
    time.sleep(_IDLE_S)  # threads of clients that were just made settle
    started = cpu_seconds(pid)
    time.sleep(_IDLE_S)
    idle = (cpu_seconds(pid) - started) / _IDLE_S
    return (
        f"{queries} queries running after {wall:.1f} s, {cpu:.1f} s of CPU; then {idle:.1%} of a core, "
        f"{thread_count(pid)} threads, {memory_mb(pid):.0f} MB"
    )


def running(url: str) -> int:
    """The number of queries that are running; 0 while the server does not answer."""
    try:
        text = requests.get(url, timeout=10).text
    except requests.ConnectionError:
        return 0
    return len(re.findall(r'^ksqldb_query_state\{.*state="RUNNING".*\} 1\.0$', text, re.MULTILINE))


def age_s(pid: int) -> float:
    """Seconds since a process was started."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
