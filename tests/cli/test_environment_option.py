"""`--env NAME` before or after a command, for that command line only."""

import pytest
from typer.testing import CliRunner

from bifrost.cli import options
from bifrost.cli.environment import SELECTED
from bifrost.cli.main import app


@pytest.mark.parametrize(
    "line", [("--env", "staging", "plan"), ("plan", "--env", "staging"), ("plan", "--env=staging")]
)
def test_an_environment_is_selected_before_or_after_the_command(run, monkeypatch, line):
    selected = []
    load = options.configuration.load

    def noting(environment=""):
        selected.append(environment)
        return load(environment)

    monkeypatch.setattr(options.configuration, "load", noting)

    assert run(*line).code == 3
    assert run("plan").code == 3
    assert selected == ["staging", ""]


@pytest.mark.parametrize("line", [("--env", "staging", "plan"), ("plan", "--env", "staging")])
def test_an_environment_is_selected_for_one_command_line(line):
    found = CliRunner().invoke(app, line)

    assert "staging" in str(found.exception)
    assert SELECTED.get() == ""
