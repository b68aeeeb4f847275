"""The names of the families that the programs declare, as a process that has loaded all of them knows them."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from bifrost.settings import PROJECT

PROGRAMS = (
    "bifrost.supervisor.__main__",
    "bifrost.console.__main__",
    "bifrost.rest_proxy.__main__",
    "bifrost.server.__main__",
    "services.alerts",
    "services.wifi_telegram_alerts",
    "services.wifi_telegram_bot",
    "services.platform_watch",
    "bifrost.generators.ratings",
    "bifrost.generators.orders",
    "capture.program",
)
_CODE = f"""
import importlib, json
for name in {PROGRAMS!r}:
    importlib.import_module(name)
from bifrost.metrics.families import declared_families
found = {{each.header.name: [type(each).__name__, *each.header.labels] for each in declared_families()}}
print(json.dumps(found))
"""


@cache
def declared() -> dict[str, list[str]]:
    """Kind and labels by name. In a process of their own: the tests declare families too."""
    done = subprocess.run((sys.executable, "-c", _CODE), cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
