"""How to run a Python program of this project as a component."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from bifrost.settings import Settings


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module in the supervisor's own Python environment, from the project's folder."""
    return (sys.executable, "-u", "-m", module, *arguments)


def environment(settings: Settings, role: str, *, metrics_of: str = "") -> Mapping[str, str]:
    """The settings as they are, for the embedded target and this home.

    Args:
        role: one of `bifrost.security.roles`, whose user the program is on a secured platform.
        metrics_of: the name of a component that serves `/metrics` on a separate port.
    """
    port = {"BIFROST_METRICS_PORT": str(settings.port(f"metrics_{metrics_of}"))} if metrics_of else {}
    own = {"BIFROST_HOME": str(settings.home), "BIFROST_TARGET": "embedded", "BIFROST_ROLE": role}
    return {**settings.values, **own, **port}
