"""A service as its supervisor sees it: exit code and last line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bifrost.settings import PROJECT


def run(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "BIFROST_HOME": str(home), **variables}
    command = [sys.executable, "-m", "services.wifi_telegram_alerts", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"BIFROST_TARGET": "compose"}, "TELEGRAM_BOT_TOKEN: is not set"),
        ({"BIFROST_TARGET": "elsewhere"}, "BIFROST_TARGET: 'elsewhere' is not one of"),
        ({"KAFKA_SECURITY_PROTOCOL": "none"}, "KAFKA_*: Kafka rejects these client settings"),
    ],
)
def test_a_wrong_setting_ends_it_for_good_with_the_reason_last(tmp_path: Path, variables: dict[str, str], reason: str):
    ended = run(tmp_path, **variables)

    assert ended.returncode == 78
    assert f"wifi_telegram_alerts stopped: {reason}" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_it_explains_its_options(tmp_path: Path):
    ended = run(tmp_path, "--help")

    assert ended.returncode == 0
    assert "--from-beginning" in ended.stdout
    assert run(tmp_path, "--from-start").returncode == 2
