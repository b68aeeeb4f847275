"""The commands that the pipelines' page proposes."""

from __future__ import annotations

import shlex
from pathlib import Path

from bifrost.cli.commands.demo import GENERATORS
from bifrost.console.demo_hints import demo_hints
from bifrost.settings import PROJECT, Settings


def test_every_pipeline_can_be_set_in_motion_with_a_command_that_exists(tmp_path: Path):
    settings = Settings({"BIFROST_HOME": str(tmp_path), "BIFROST_PORT_SYSLOG": "5555"}, PROJECT)
    found = {name: shlex.split(hint["command"]) for name, hint in demo_hints(settings).items()}

    assert set(found) == {path.stem for path in (PROJECT / "topics").glob("*.json")} - {"platform"}
    for name, command in found.items():
        if command[:2] == ["scripts/deploy.py", "demo"]:
            assert command[2] in GENERATORS, name
    assert found["syslog"][:6] == ["logger", "--server", "127.0.0.1", "--port", "5555", "--tcp"]
    assert found["orders"][-1] == f"{settings.orders / 'source'}/"


def test_a_path_with_blanks_stays_one_word_of_the_command():
    settings = Settings({"BIFROST_HOME": "/my home"}, Path("/my project"))
    command = shlex.split(demo_hints(settings)["orders"]["command"])

    assert command == ["cp", "/my project/data/orders/orders*.csv", "/my home/data/orders/source/"]
