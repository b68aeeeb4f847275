"""The Tab key: the scripts for shells, and what they get."""

import shutil
import subprocess
import sys

import pytest

from bifrost.cli import completion
from bifrost.cli.commands.completion import SCRIPTS
from bifrost.errors import SettingError
from bifrost.settings import PROJECT, Settings


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_has_a_script(run, shell):
    found = run("completion", shell)
    assert found.code == 0
    assert "COMPLETE=complete_" + shell in found.out
    if (program := shutil.which(shell)) is not None:
        checked = subprocess.run([program, "-n"], input=found.out, text=True, capture_output=True, timeout=30)
        assert checked.returncode == 0, checked.stderr


def test_another_shell_is_wrong_usage(run):
    assert run("completion", "tcsh").code == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [("deploy.py pau", "pause"), ("deploy.py pause --dry", "--dry-run"), ("deploy.py doc", "doctor")],
)
def test_commands_and_options_are_completed(words, expected):
    variables = {
        "_DEPLOY.PY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    code = "import sys; sys.argv[0] = 'deploy.py'; from bifrost.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=variables,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [expected]


class Context:
    params = {"target": None}  # noqa: RUF012


def test_names_are_completed_whatever_their_case(run, project):
    assert completion.complete_declared(Context, "mysql-") == ["mysql-demo-customers"]
    assert "RATINGS" in completion.complete_declared(Context, "rat")


def test_nothing_fails_where_nothing_runs(run, project, monkeypatch):
    # A platform may run on the default ports of this machine.
    closed = {f"BIFROST_PORT_{part}": "1" for part in ("KAFKA", "CONNECT", "SCHEMA_REGISTRY", "KSQLDB", "SEARCH")}
    monkeypatch.setattr(completion, "settings_for", lambda target: Settings(closed, project.root))
    assert completion.complete_live(Context, "") == []

    def broken(target):
        raise SettingError("BIFROST_TARGET", "is wrong")

    monkeypatch.setattr(completion, "settings_for", broken)
    assert completion.complete_live(Context, "") == completion.complete_declared(Context, "") == []
