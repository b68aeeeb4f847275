"""The target that the live tests run against, and which of its parts they can use."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import requests

from bifrost import settings as project_settings
from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings

SETTING = "BIFROST_TEST_TARGET"
"""Set by `scripts/test --target`; `embedded` by default."""
EMBEDDED = "embedded"
NEEDED: Mapping[str, str] = {
    "mysql": "MYSQL_URL",
    "postgres": "POSTGRES_URL",
    "mongodb": "MONGODB_CONNECTION_STRING",
    "search": "ELASTICSEARCH_URL",
    "s3": "S3_ENDPOINT",
    "console": "CONSOLE_URL",
    "rest_proxy": "REST_PROXY_URL",
}
"""The optional parts of a remote target, and the settings that name them."""


def settings_of_target() -> Settings:
    """The settings of the target under test."""
    ours = project_settings.load()
    return replace(ours, values={**ours.values, "BIFROST_TARGET": ours.get(SETTING, EMBEDDED)})


def lacking(settings: Settings, parts: Iterable[str]) -> Iterator[str]:
    """Why a target has not all of these parts: a reason for each that it lacks."""
    endpoints = settings.endpoints.as_json()
    for part in parts:
        if part == "inbox":
            if not has_inbox(endpoints["console"]):
                yield "no inbox of sent messages (CONSOLE_URL)"
        elif part == "syslog":
            if settings.target == "remote" and not settings.get("SYSLOG_HOST"):
                yield "no syslog source (SYSLOG_HOST)"
        elif part == "orders":
            if settings.target == "remote" and not settings.get("ORDERS_FOLDER"):
                yield "no folder of CSV files (ORDERS_FOLDER)"
        elif not endpoints[part]:
            yield f"no {part} ({NEEDED[part]})"


def has_inbox(console: str) -> bool:
    """Whether an address is that of the console; the compose target has Kibana in its place."""
    try:
        answer = requests.get(f"{console}/api/messages", timeout=5) if console else None
        return answer is not None and answer.ok and isinstance(answer.json(), list)
    except (requests.RequestException, ValueError):
        return False


def syslog_address(settings: Settings) -> tuple[str, int]:
    """Where the syslog sources of a target listen."""
    if settings.target == "remote":
        return settings.get("SYSLOG_HOST"), settings.declared_port("syslog")
    return LOOPBACK, settings.port("syslog")


def has_docker() -> bool:
    """Whether a Docker engine answers."""
    docker = shutil.which("docker")
    return docker is not None and subprocess.run((docker, "info"), capture_output=True, timeout=60).returncode == 0


def missing_from(plan: str) -> list[str]:
    """What a target lacks of what is declared, in the output of `plan --json`."""
    actions = json.loads(plan)["actions"]
    return [f"{action['what']} {action['name']}" for action in actions if action["action"] == "create"]
