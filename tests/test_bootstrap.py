"""The bootstrap: what it installs on a machine, when it installs nothing, and how it recovers from an interruption."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bifrost.settings import PROJECT, Settings, environment_in
from bifrost.supervisor.install.system_parts import ENVIRONMENT_PARTS, PLATFORM_PARTS, SystemPart

sys.path.insert(0, str(PROJECT / "scripts"))
import bootstrap
import deploy


class Calls:
    """Programs that replace the system's and record how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        folder.mkdir()

    def program(self, name: str, body: str = "") -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $@" >> "{self.log}"\n{body}\n')
        path.chmod(0o755)

    def made(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def calls(tmp_path) -> Calls:
    return Calls(tmp_path / "bin")


@pytest.fixture
def settings(tmp_path, calls) -> Settings:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.lock").write_text("one==1 --hash=sha256:11\n")
    (project / "requirements-dev.lock").write_text("one==1 --hash=sha256:11\ntwo==2 --hash=sha256:22\n")
    return Settings({"BIFROST_HOME": str(tmp_path / "home"), "PATH": f"{calls.folder}:/usr/bin:/bin"}, project)


@pytest.fixture
def fake_venv(monkeypatch, settings, calls) -> None:
    """`python -m venv` makes an environment whose Python only records its arguments."""
    calls.program("python", f'if [ "$2" = venv ]; then mkdir -p "$4/bin" && cp "{calls.folder}/python" "$4/bin/"; fi')
    monkeypatch.setattr(sys, "executable", str(calls.folder / "python"))


def tool(settings: Settings, name: str, package: str) -> SystemPart:
    return SystemPart(name, (package,), lambda settings: Path(settings.get("PATH").split(":")[0], name).exists())


def test_the_environment_is_created_once_from_the_lock_file(settings, fake_venv, calls):
    python = bootstrap.ensure_environment(settings, dev=False)
    assert python == settings.venv / "bin" / "python"
    assert [call.split()[2] for call in calls.made()] == ["venv", "pip"]
    assert calls.made()[1].endswith(f"--require-hashes --requirement {settings.project}/requirements.lock")
    bootstrap.ensure_environment(settings, dev=False)
    assert len(calls.made()) == 2


def test_the_environment_of_the_tests_serves_the_commands_too(settings, fake_venv, calls):
    bootstrap.ensure_environment(settings, dev=True)
    assert calls.made()[-1].endswith(f"--require-hashes --requirement {settings.project}/requirements-dev.lock")
    bootstrap.ensure_environment(settings, dev=False)
    assert len(calls.made()) == 2


def test_a_changed_lock_file_is_installed_into_the_same_environment(settings, fake_venv, calls):
    bootstrap.ensure_environment(settings, dev=False)
    (settings.project / "requirements.lock").write_text("one==1.1 --hash=sha256:12\n")
    bootstrap.ensure_environment(settings, dev=False)
    assert [call.split()[2] for call in calls.made()] == ["venv", "pip", "pip"]


def test_an_interrupted_installation_starts_again_from_an_empty_environment(settings, fake_venv, calls):
    bootstrap.ensure_environment(settings, dev=False)
    (settings.venv / "bifrost-dependencies.json").unlink()
    bootstrap.ensure_environment(settings, dev=False)
    assert [call.split()[2:4] for call in calls.made()][2] == ["venv", "--clear"]


def test_a_failed_installation_shows_its_last_lines_and_is_not_recorded(settings, fake_venv, calls):
    calls.program(
        "python",
        f'if [ "$2" = venv ]; then mkdir -p "$4/bin" && cp "{calls.folder}/python" "$4/bin/"; '
        "else echo 'ERROR: no matching distribution'; exit 1; fi",
    )
    with pytest.raises(bootstrap.BootstrapError, match="no matching distribution"):
        bootstrap.ensure_environment(settings, dev=False)
    assert not (settings.venv / "bifrost-dependencies.json").exists()


def test_nothing_is_installed_when_nothing_is_missing(settings, calls):
    calls.program("thing")
    bootstrap.ensure_parts(settings, [tool(settings, "thing", "thing-package")])
    assert calls.made() == []


def test_missing_parts_are_installed_with_apt_as_root(settings, calls, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    calls.program("apt-get", f'case "$*" in *install*) touch "{calls.folder}/thing";; esac')
    calls.program("apt-cache")
    bootstrap.ensure_parts(settings, [tool(settings, "thing", "thing-package")])
    assert (
        calls.made()
        == [
            "apt-cache show thing-package",
            "apt-get update",
            "apt-cache show thing-package",
            "apt-get install --yes --no-install-recommends thing-package",
        ][1:]
    )


def test_a_file_that_a_package_needs_during_its_setup_is_removed_afterwards(settings, calls, monkeypatch, tmp_path):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    held = tmp_path / "etc" / "quiet.conf"
    calls.program("apt-get", f'case "$*" in *install*) cp "{held}" "{calls.folder}/thing";; esac')
    calls.program("apt-cache")
    part = SystemPart(
        "thing",
        ("thing",),
        lambda _: (calls.folder / "thing").exists(),
        file_during_install=(str(held), "cluster = off\n"),
    )
    bootstrap.ensure_parts(settings, [part])
    assert (calls.folder / "thing").read_text() == "cluster = off\n"
    assert not held.exists()


def test_without_root_the_error_names_the_one_command_to_run(settings, calls, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    calls.program("sudo", "exit 1")
    calls.program("apt-get")
    calls.program("apt-cache")
    parts = [tool(settings, "thing", "thing-package"), tool(settings, "other", "other-package")]
    with pytest.raises(bootstrap.BootstrapError) as refusal:
        bootstrap.ensure_parts(settings, parts)
    assert str(refusal.value) == (
        "this machine lacks thing, other; install with\n"
        "  sudo apt-get install --no-install-recommends thing-package other-package"
    )
    assert not any(call.startswith("apt-get") for call in calls.made())


def test_the_first_package_that_the_system_knows_is_installed(settings, calls, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    calls.program("sudo", "exit 1")
    calls.program("apt-get")
    calls.program("apt-cache", '[ "$2" = second ]')
    part = SystemPart("thing", ("first", "second"), lambda settings: False)
    with pytest.raises(bootstrap.BootstrapError, match="--no-install-recommends second"):
        bootstrap.ensure_parts(settings, [part])


@pytest.mark.parametrize(
    ("arguments", "starts"),
    [
        (["up"], True),
        (["up", "ratings", "--ports", "auto"], True),
        (["--target", "embedded", "up"], True),
        (["up", "--target", "remote"], False),
        (["up", "--target=compose"], False),
        (["up", "--help"], False),
        (["plan"], False),
        (["validate"], False),
        (["logs", "up"], False),
        ([], False),
    ],
)
def test_only_up_on_the_embedded_target_needs_the_platforms_parts(arguments, starts):
    assert deploy.starts_platform(arguments, Settings({})) is starts


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["up", "--env", "staging"], "staging"),
        (["--env", "staging", "up"], "staging"),
        (["--env=staging", "up"], "staging"),
        (["up", "--env"], ""),
        (["up"], ""),
    ],
)
def test_the_environment_is_known_before_the_command_starts(arguments, name):
    assert environment_in(arguments) == name


def test_the_name_of_an_environment_is_no_command():
    assert deploy.starts_platform(["--env", "down", "up"], Settings({}))
    assert not deploy.starts_platform(["--env", "up", "plan"], Settings({}))


def test_the_target_may_come_from_the_settings():
    assert not deploy.starts_platform(["up"], Settings({"BIFROST_TARGET": "remote"}))


def test_an_old_python_gets_a_message_and_no_traceback(tmp_path):
    """The lines before the version check must be valid Python 3.6; newer syntax would be a SyntaxError there."""
    for script in ("deploy.py", "test"):
        head = (PROJECT / "scripts" / script).read_text().split("from bootstrap", maxsplit=1)[0]
        assert "f'" not in head
        assert 'f"' not in head
        compile(head.replace("(3, 11)", "(9, 9)"), script, "exec")
        old = tmp_path / script
        old.write_text(head.replace("(3, 11)", "(9, 9)"))
        done = subprocess.run((sys.executable, str(old)), capture_output=True, text=True)
        assert done.returncode == 1
        assert "needs Python" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_bootstrap_imports_the_standard_library_alone():
    done = subprocess.run(
        (sys.executable, "-S", "-c", "import sys; sys.path.insert(0, 'scripts'); import bootstrap, deploy"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_part_has_a_package():
    assert all(part.packages for part in (*ENVIRONMENT_PARTS, *PLATFORM_PARTS))


def test_the_record_holds_a_digest_per_lock_file(settings, fake_venv):
    bootstrap.ensure_environment(settings, dev=True)
    assert set(json.loads((settings.venv / "bifrost-dependencies.json").read_text())) == {"run", "dev"}
