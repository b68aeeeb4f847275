"""Commands run in this process, on a small project, against fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bifrost.cli import options, projects, state_commands
from bifrost.cli.commands import describe, plan, status, up
from bifrost.cli.main import main
from bifrost.settings import Settings
from tests.deployer.conftest import fakes, project

__all__ = ["fakes", "project"]


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Outcome]


@pytest.fixture
def run(project, fakes, monkeypatch, capsys) -> Run:
    """Runs a command line: `run("plan", "--json")`."""
    values = {"BIFROST_HOME": str(project.root / "home"), "COLUMNS": "200"}
    monkeypatch.setattr(
        options.configuration,
        "load",
        lambda environment="": Settings(values | {"BIFROST_ENV": environment}, project.root),
    )

    @contextmanager
    def platform(settings: Settings, *, patience_s: float = 0) -> Iterator[object]:
        yield fakes.platform

    for module in (plan, up, status, state_commands, projects):
        monkeypatch.setattr(module, "open_platform", platform)
    for module in (plan, up, state_commands, projects):
        monkeypatch.setattr(module, "SystemClock", lambda: fakes.clock)
    monkeypatch.setattr(describe.kafka, "admin", lambda settings: fakes.kafka)
    monkeypatch.setattr(up.launch, "start_platform", lambda settings, **options: settings)

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        return Outcome(int(caught.value.code or 0), captured.out, captured.err)

    return command
