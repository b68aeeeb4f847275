"""A copy of the project folder whose declarations a test may change, deployed to the platform under test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bifrost.settings import PROJECT
from tests.live.conftest import UP_S, Platform

_LEFT_OUT = shutil.ignore_patterns(".git", ".*_cache", ".bifrost", "__pycache__", "tests", "docs", "benchmarks")


class ProjectCopy:
    """The copy, and its `scripts/deploy.py` for the platform; the platform's services keep their own project."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._platform = platform
        self.root = folder / "project"
        shutil.copytree(PROJECT, self.root, ignore=_LEFT_OUT)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} holds {text.count(old)} times: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

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
