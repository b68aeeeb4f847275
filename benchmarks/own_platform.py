"""An embedded platform for one benchmark: a separate home and free ports, with the project's downloads."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bifrost import settings as project_settings
from bifrost.clients.supervisor import SupervisorClient
from bifrost.settings import PROJECT, Settings

COMMAND_S = 900.0
_MESSENGERS = ("SLACK_API_URL", "SLACK_API_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_BOT_TOKEN")
"""Settings that no benchmark takes from `.env`: it must not send to the real Slack and Telegram."""


@dataclass(frozen=True, slots=True)
class OwnPlatform:
    """`scripts/deploy.py` of a project, with the home of this benchmark."""

    values: dict[str, str]
    project: Path

    @property
    def settings(self) -> Settings:
        """The settings, with the ports of the platform if it runs."""
        return Settings(self.values, self.project)

    @property
    def supervisor(self) -> SupervisorClient:
        """The platform's supervisor."""
        return SupervisorClient(self.settings)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; its output is in two pipes."""
        command = (sys.executable, str(self.project / "scripts" / "deploy.py"), *arguments)
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.values, cwd=self.project, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=COMMAND_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def succeed(self, *arguments: str) -> str:
        """The output of a command.

        Raises:
            RuntimeError: it failed; with all that it printed.
        """
        done = self.run(*arguments)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def plan(self, *arguments: str) -> dict[str, Any]:
        """What `plan --json` prints; exit code 3 means that there are changes.

        Raises:
            RuntimeError: it failed.
        """
        done = self.run("plan", "--json", *arguments)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"plan: exit code {done.returncode}\n{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def own_platform(project: Path = PROJECT, **values: str) -> Iterator[OwnPlatform]:
    """A home in a temporary folder, with nothing running; in the end, the platform is stopped and its data deleted.

    After an error, a copy of its logs stays, and its place is printed.

    Args:
        project: the folder whose declarations and programs are used.
        values: settings of this platform.
    """
    ours = project_settings.load()
    with tempfile.TemporaryDirectory(prefix="bifrost-benchmark-") as folder:
        settings = {
            **{name: value for name, value in ours.values.items() if name not in _MESSENGERS},
            "BIFROST_HOME": folder,
            "BIFROST_CACHE": str(ours.cache),
            "BIFROST_VENV": str(ours.venv),
            "BIFROST_TARGET": "embedded",
            **values,
        }
        platform = OwnPlatform(settings, project)
        # A benchmark that gets SIGTERM stops its platform, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            yield platform
        except Exception:
            kept = tempfile.mkdtemp(prefix="bifrost-logs-")
            shutil.copytree(platform.settings.logs, kept, dirs_exist_ok=True)
            print(f"the logs of the platform: {kept}", file=sys.stderr)
            raise
        finally:
            platform.run("down", "--purge")
