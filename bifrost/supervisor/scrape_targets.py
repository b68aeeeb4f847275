"""The programs of the running platform as targets of Prometheus: the file that `dashboards/platform/` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bifrost.default_settings import JMX_PROGRAMS, LOOPBACK, METRICS_PROGRAMS
from bifrost.settings import Settings

_WITH_HTTP_SERVER = ("ksqldb", "console", "rest_proxy")


def scrape_targets(ports: Mapping[str, int], *, secured: bool = False, has_jmx: bool = False) -> list[dict[str, Any]]:
    """The targets by program, in the form of `file_sd_configs`; the label `program` names a component.

    On a secured platform, where all require TLS and a login, they have the label `__scheme__`. With `has_jmx`, the
    agents in the broker and the Connect worker are targets, too.
    """
    servers = {name: ports[name] for name in _WITH_HTTP_SERVER}
    endpoints = {name: ports[f"metrics_{name}"] for name in METRICS_PROGRAMS}
    endpoints |= {name: ports[f"jmx_{name}"] for name in JMX_PROGRAMS if has_jmx}
    scheme = {"__scheme__": "https"} if secured else {}
    return [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"program": name, **scheme}}
        for name, port in (servers | endpoints).items()
    ]


def write_scrape_targets(settings: Settings, ports: Mapping[str, int]) -> None:
    """Write the targets, atomically: Prometheus reads the file whenever it changes."""
    path = settings.scrape_targets_file
    unfinished = path.with_name(f".{path.name}.new")
    found = scrape_targets(ports, secured=settings.is_secured, has_jmx=settings.has_jmx)
    unfinished.write_text(json.dumps(found, indent=1) + "\n")
    unfinished.replace(path)
