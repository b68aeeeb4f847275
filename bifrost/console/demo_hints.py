"""How to send data through a pipeline: one command for each, as it works on this target."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings

DemoHints = Mapping[str, Mapping[str, str]]
"""By pipeline: what to do (`say`) and the shell command for it (`command`)."""

_DEMOS = ("logons", "patterns", "ratings", "wifi")
_BREAK_IN = "Invalid user oracle from 185.55.218.153"


def demo_hints(settings: Settings) -> DemoHints:
    """The hints of all pipelines that need one."""
    syslog = f"logger --server {LOOPBACK} --port {settings.port('syslog')} --tcp --tag sshd '{_BREAK_IN}'"
    samples, folder = quote(str(settings.project / "data" / "orders")), quote(str(settings.orders / "source"))
    drop = f"cp {samples}/orders*.csv {folder}/"
    return {
        **{name: {"say": "Send records", "command": f"scripts/deploy.py demo {name}"} for name in _DEMOS},
        "syslog": {"say": "Send a line", "command": syslog},
        "orders": {"say": "Drop files of orders", "command": drop},
    }
