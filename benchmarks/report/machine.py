"""The machine and the version that figures belong to."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bifrost.settings import PROJECT


def machine() -> str:
    """Processor, cores, memory, system and Python on one line."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = cpu[1] if cpu else platform.machine()
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    return f"{name}, {cores} cores, {memory:.0f} GB, {system}, Python {platform.python_version()}"


def commit() -> str:
    """The commit, marked if files differ from it; `unknown` outside of a repository."""
    done = subprocess.run(
        ("git", "describe", "--always", "--dirty", "--abbrev=12"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
