"""Two `up` at the same time on one platform: one deploys, the other waits, and nothing is done twice.

    python -m benchmarks.two_deployers --rounds 6

It starts its own platform and edits two copies of the project. In each round both get the same changes (a statement, a
connector, a template, a topic), and both are deployed together while ratings arrive: odd rounds rebuild a table, even
ones change the filter of the alerts. A third `up` that does not wait must be refused with the name of the deployer that
works. Then nothing may be left to do, each rating must have one row and one alert, and each card its own. Exit code 1
means that a round failed.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.changes.change import ProjectCopy
from benchmarks.deployment_checks import unfinished
from benchmarks.kill_deployer import PIPELINES, UP, Edits, Load
from benchmarks.kill_evidence import Evidence
from benchmarks.own_platform import COMMAND_S, OwnPlatform, own_platform
from benchmarks.platform import wait_for


def main() -> int:
    """Run the rounds and print one line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifrost-deployers-") as folder:
        copies = [Edits(ProjectCopy(Path(folder) / name)) for name in ("first", "second")]
        with own_platform(copies[0].project.root) as platform:
            platform.succeed(*UP, "--ports", "auto")
            with Evidence(platform.settings) as evidence:
                wait_for("the first alert", evidence.first_alert, 300)
                failed = sum(bool(one_round(platform, copies, evidence, number)) for number in range(args.rounds))
    print(f"{args.rounds - failed} of {args.rounds} rounds: both deployers ended well, doubled and lost nothing")
    return int(failed > 0)


def one_round(platform: OwnPlatform, copies: Sequence[Edits], evidence: Evidence, number: int) -> list[str]:
    """Deploy the same changes from both copies; what is wrong then."""
    kinds = {edits.next() for edits in copies}
    evidence.try_card()
    with Load(evidence):
        both = [replace(platform, project=edits.project.root).start(*UP) for edits in copies]
        refused = first_refusal(replace(platform, project=copies[0].project.root), both)
        done = [process.communicate(timeout=COMMAND_S) for process in both]
    problems = [
        f"up failed: {err.strip()[-600:]}" for process, (_, err) in zip(both, done, strict=True) if process.returncode
    ]
    problems += refused
    problems += [*unfinished(platform, *PIPELINES), *evidence.problems(copies[0].stars)]
    waits = sum("waiting for the deployment of" in err for _, err in done)
    text = "".join(f"\n    {problem}" for problem in problems) or "all ended well"
    print(f"{number + 1:3} {', '.join(kinds)}, {waits} of 2 waited: {text}", flush=True)
    return problems


def first_refusal(platform: OwnPlatform, running: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Deploy without waiting until that is refused; what is wrong with the refusal."""
    while any(process.poll() is None for process in running):
        done = platform.run(*UP, "--lock-timeout", "0")
        if done.returncode and "nothing was changed: the target is being deployed by" not in done.stderr:
            return [f"not refused, but failed: {done.stderr.strip()[-300:]}"]
        if done.returncode:
            break
    return []


if __name__ == "__main__":
    raise SystemExit(main())
