"""Fills the disk of a whole platform, first nearly and then completely, and makes space again.

    python -m benchmarks.full_disk --size-mb 3000

It starts its own platform with all pipelines on a file system in memory, which requires the right to mount one (root),
and writes into all pipelines. On the nearly full disk the watcher must pause what writes and report it, and no process
may end. On the full one, parts may end. With space, everything must run again without help, and each place is compared
with the one before it. Exit code 1 means that something did not run again, or that something was lost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.platform import wait_for
from benchmarks.platform_trial import PlatformTrial, Restarted, platform_trial, report, stay
from bifrost.clients import connect
from bifrost.errors import BifrostError
from bifrost.operations.watch.disk_guard import MIB, disk_limits, read_paused

NOTICED_S = 120.0
AROUND_S = 15.0
FULL_S = 45.0
LEFT = 100 * MIB
"""What stays free on the nearly full disk."""


def main() -> int:
    """Run both trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=3000, help="the size of the disk (default 3000)")
    parser.add_argument("--share", type=float, default=0.05, help="the share of the usual rates (default 0.05)")
    args = parser.parse_args()
    with _disk(args.size_mb) as home, platform_trial(args.share, BIFROST_HOME=str(home)) as trial:
        filled = FilledDisk(trial, home)
        print("nearly full", flush=True)
        problems = [f"nearly full: {problem}" for problem in trial.run(filled.nearly)]
        print("full", flush=True)
        # A program that cannot write its file has lost it itself.
        problems += [f"full: {problem}" for problem in trial.run(filled.fully, without=["orders"])]
    return report(problems)


@dataclass(frozen=True, slots=True)
class FilledDisk:
    """Fills and empties the disk of a platform."""

    trial: PlatformTrial
    home: Path

    def nearly(self) -> list[str]:
        """Leave less space than the watcher wants, until it has paused all connectors; then make space."""
        stay(AROUND_S)
        platform = self.trial.platform
        before = Restarted({item.name: item.pid for item in platform.supervisor.status()})
        self._leave(min(LEFT, disk_limits(platform.settings).pause_below // 2))
        took_s = wait_for("all connectors paused", self._is_paused, NOTICED_S, pause_s=1)
        print(f"  all connectors paused after {took_s:.0f} s: {self._problem()}", flush=True)
        stay(AROUND_S)
        problems = [f"{name} ended" for name in before.names(platform)]
        if not self._problem():
            problems.append("status does not say that the disk is full")
        self._make_space()
        return problems

    def fully(self) -> list[str]:
        """Leave no space for a while."""
        stay(AROUND_S)
        self._leave(0)
        stay(FULL_S)
        ended = [f"{item.name} {item.state}" for item in self.trial.platform.supervisor.status() if item.cause]
        print(f"  {shutil.disk_usage(self.home).free} bytes free; not up: {', '.join(ended) or 'none'}", flush=True)
        self._make_space()
        return []

    def _make_space(self) -> None:
        self._ballast.unlink()
        took_s = wait_for("resumed", lambda: read_paused(self.trial.platform.settings.disk_pause) is None, NOTICED_S)
        print(f"  resumed {took_s:.0f} s after there was space", flush=True)

    @property
    def _ballast(self) -> Path:
        return self.home / "ballast"

    def _leave(self, left: int) -> None:
        with self._ballast.open("ab") as file:
            while (free := shutil.disk_usage(self.home).free) > left:
                size = min(16 * MIB, free - left)
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), size)
                except OSError:  # something else has taken the rest
                    return
                file.seek(0, os.SEEK_END)

    def _is_paused(self) -> bool:
        with closing(connect.from_settings(self.trial.platform.settings)) as client:
            found = client.statuses()
        return all(status.state == "PAUSED" for status in found.values())

    def _problem(self) -> str:
        lines = self.trial.platform.run("status", "--check").stderr.splitlines()
        return next((line.strip() for line in lines if "are free on the disk" in line), "")


@contextmanager
def _disk(size_mb: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bifrost-full-disk-") as folder:
        options = ["-t", "tmpfs", "-o", f"size={size_mb}m,mode=700", "bifrost-full-disk", folder]
        try:
            subprocess.run(["mount", *options], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"a file system could not be mounted ({error}); run this benchmark as root") from error
        try:
            home = Path(folder) / "home"
            home.mkdir()
            yield home
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BifrostError as error:
        raise SystemExit(str(error)) from error
