"""Deploys through proxies whose APIs answer with 409, 500, 503, close connections, answer late or by half.

    python -m benchmarks.faulty_deployment
    python -m benchmarks.faulty_deployment --seeds 6 --rate 0.05

It starts its own platform. `up` then reaches Connect, ksqlDB, the schema registry, search and S3 through proxies only,
and is run again when it fails. Each seed deploys three times: everything that the files declare, then changes of a
statement that is rebuilt and of one that changes in place, each with a connector, a template and a topic. After each,
nothing may be left to do, everything must run, and no query may run twice. Before the next seed, connectors,
statements, templates and dashboards are removed. Exit code 1 means that a seed failed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.changes.change import ProjectCopy
from benchmarks.deployment_checks import unfinished
from benchmarks.fault_proxy import FaultProxy, proxies
from benchmarks.kill_deployer import Edits
from benchmarks.own_platform import OwnPlatform, own_platform

SETTINGS = {
    "connect": "CONNECT_URL",
    "ksqldb": "KSQLDB_URL",
    "schema_registry": "SCHEMA_REGISTRY_URL",
    "search": "ELASTICSEARCH_URL",
    "s3": "S3_ENDPOINT",
}
"""The APIs with a proxy, by the setting that names their address."""
PIPELINES = ("ratings", "patterns")
UP = ("up", *PIPELINES, "--no-demo", "--yes", "--allow", "replace")
FOLDERS = ("alerts", "connectors", "dashboards", "ksql", "topics")
"""What is removed before the next seed; topics and schemas stay on the platform."""
MOST_RUNS = 20
STEPS = ("everything", "first change", "second change")


def main() -> int:
    """Deploy with each seed and print a line per deployment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.05, help="the share of requests that suffer a fault")
    args = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bifrost-faults-") as folder:
        edits = Edits(ProjectCopy(Path(folder) / "project"))
        with own_platform(edits.project.root) as platform:
            platform.succeed("up", *PIPELINES, "--no-demo", "--ports", "auto", "--only", "topic:ratings")
            for seed in range(args.first_seed, args.first_seed + args.seeds):
                failed += bool(list(deployments(platform, edits, seed, args.rate)))
                remove_everything(platform, edits.project.root)
    print(f"{args.seeds - failed} of {args.seeds} seeds converged")
    return int(failed > 0)


def deployments(platform: OwnPlatform, edits: Edits, seed: int, rate: float) -> Iterator[str]:
    """The problems of the deployments with one seed."""
    endpoints = platform.settings.endpoints.as_json()
    with proxies({name: endpoints[name] for name in SETTINGS}, seed=seed * 100, rate=rate) as made:
        values = {SETTINGS[name]: proxy.address for name, proxy in made.items()}
        faulty = OwnPlatform({**platform.values, **values}, platform.project)
        for step in STEPS:
            if step != STEPS[0]:
                edits.next()
            yield from one_deployment(f"seed {seed}, {step}", platform, faulty, made)


def remove_everything(platform: OwnPlatform, project: Path) -> None:
    """Remove what the project deployed, except topics and schemas."""
    aside = project.parent / "aside"
    aside.mkdir()
    for name in FOLDERS:
        (project / name).rename(aside / name)
        (project / name).mkdir()
    try:
        platform.succeed("up", "--no-demo", "--prune", "--yes", "--skip", "service:*")
    finally:
        for name in FOLDERS:
            (project / name).rmdir()
            (aside / name).rename(project / name)
        aside.rmdir()


def one_deployment(what: str, platform: OwnPlatform, faulty: OwnPlatform, made: dict[str, FaultProxy]) -> Iterator[str]:
    """Run `up` through the proxies until it succeeds; yields what is wrong then."""
    before = _faults(made)
    errors = list(_failed_runs(faulty))
    problems = [f"up failed {MOST_RUNS} times"] if len(errors) == MOST_RUNS else []
    problems += unfinished(platform, *PIPELINES)
    text = "".join(f"\n    {problem}" for problem in problems) or "converged"
    faults = ", ".join(f"{count} x {fault}" for fault, count in sorted((_faults(made) - before).items()))
    print(f"{what}: {len(errors)} failed runs; {faults}: {text}", flush=True)
    for error in errors:
        print(f"    a run failed: {error}", flush=True)
    yield from problems


def _failed_runs(faulty: OwnPlatform) -> Iterator[str]:
    """Run `up` until it succeeds, at most some times; yields the error of each failed run."""
    for _ in range(MOST_RUNS):
        done = faulty.run(*UP)
        if done.returncode == 0:
            return
        yield done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"


def _faults(made: dict[str, FaultProxy]) -> Counter[str]:
    found = Counter[str]()
    for proxy in made.values():
        found.update({fault.value: count for fault, count in proxy.counts.items()})
    return found


if __name__ == "__main__":
    raise SystemExit(main())
