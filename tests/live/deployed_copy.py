"""A copy of the project folder whose declarations a test may change, deployed to the platform under test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.changes.change import ProjectCopy
from tests.live.conftest import UP_S, Platform


class DeployedCopy(ProjectCopy):
    """The copy, and its `scripts/deploy.py` for the platform; the platform's services keep their own project."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        super().__init__(folder / "project")
        self._platform = platform

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run the copy's deployer; another exit code than `code` fails the test with all output."""
        command = (sys.executable, str(self.root / "scripts" / "deploy.py"), *arguments)
        values = self._platform.settings.values
        done = subprocess.run(command, env=values, cwd=self.root, capture_output=True, text=True, timeout=UP_S)
        if code is not None and done.returncode != code:
            pytest.fail(f"deploy.py {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def up(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Deploy the copy."""
        return self.run("up", "--no-demo", *arguments, code=code)

    def changes(self, *arguments: str) -> list[dict[str, Any]]:
        """The actions of `plan --json` that change something."""
        done = self.run("plan", "--json", *arguments, code=None)
        assert done.returncode in (0, 3), done.stderr
        return [action for action in json.loads(done.stdout)["actions"] if action["action"] != "keep"]
