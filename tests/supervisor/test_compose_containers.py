"""Docker Compose is called as on a command line, and its errors are reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bifrost.errors import ComponentError
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor import compose_containers
from bifrost.supervisor.compose_containers import start_containers

DOCKER = """#!/bin/sh
echo "$@" >> calls
case "$1" in
  info) exit {info} ;;
esac
case "$2" in
  version) exit {plugin} ;;
esac
echo 'Container connect  Starting'
echo '{says}' >&2
exit {code}
"""


def target(folder: Path, *, info: int = 0, plugin: int = 0, says: str = "", code: int = 0) -> Settings:
    """Settings of a project in `folder`, where `docker` answers like this."""
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER.format(info=info, plugin=plugin, says=says, code=code))
    program.chmod(0o755)
    values = {"PATH": f"{program.parent}:{os.environ['PATH']}", "BIFROST_HOME": str(folder / "home")}
    return Settings({**values, "BIFROST_TARGET": "compose"}, folder)


def test_all_containers_are_built_started_and_waited_for(tmp_path: Path):
    reported: list[str] = []

    assert start_containers(target(tmp_path), progress=reported.append)

    file = tmp_path / "docker-compose.yml"
    assert (tmp_path / "calls").read_text().splitlines()[-1] == f"compose --file {file} up --detach --build --wait"
    assert "starting the containers" in reported[0]
    assert "Container connect" in (tmp_path / "home" / "logs" / "compose.log").read_text()
    assert (PROJECT / file.name).is_file()


def test_a_secured_broker_starts_and_gets_its_users_before_the_other_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = target(tmp_path).with_values(BIFROST_SECURE="1")
    calls = tmp_path / "calls"

    def note(what: str) -> None:
        with calls.open("a") as file:
            file.write(f"{what}\n")

    monkeypatch.setattr(compose_containers, "prepare_users", lambda _: note("users"))
    monkeypatch.setattr(compose_containers, "prepare_registry_user", lambda *_: note("user of the registry"))

    assert start_containers(settings, progress=lambda _: None)

    files = f"compose --file {tmp_path / 'docker-compose.yml'} --file {tmp_path / 'docker/secure.yml'}"
    assert calls.read_text().splitlines()[-4:] == [
        f"{files} up --detach --wait kafka",
        "users",
        "user of the registry",
        f"{files} up --detach --build --wait",
    ]
    assert (PROJECT / "docker" / "secure.yml").is_file()


def test_a_secured_target_stays_secured_until_it_starts_without_security(tmp_path: Path):
    settings = target(tmp_path, info=1)
    start_containers(settings.with_values(BIFROST_SECURE="1"), progress=lambda _: None)
    assert settings.with_values().is_secured

    start_containers(settings.with_values(BIFROST_SECURE="0"), progress=lambda _: None)

    assert not settings.with_values().is_secured


def test_the_files_of_docker_compose_find_the_home(tmp_path: Path):
    settings = target(tmp_path)
    (tmp_path / "bin" / "docker").write_text('#!/bin/sh\necho "$BIFROST_HOME" >> homes\n')

    start_containers(settings, progress=lambda _: None)

    assert set((tmp_path / "homes").read_text().splitlines()) == {str(settings.home)}


def test_what_the_engine_says_is_the_error(tmp_path: Path):
    settings = target(tmp_path, says="Error response from daemon: port is already allocated", code=1)

    with pytest.raises(ComponentError, match=r"compose: .*port is already allocated.*compose\.log"):
        start_containers(settings, progress=lambda _: None)


@pytest.mark.parametrize("missing", ["info", "plugin"])
def test_without_an_engine_the_parts_are_taken_to_run_elsewhere(tmp_path: Path, missing: str):
    reported: list[str] = []

    assert not start_containers(target(tmp_path, **{missing: 1}), progress=reported.append)

    assert "up" not in (tmp_path / "calls").read_text()
    assert "no Docker engine" in reported[0]


def test_without_docker_too(tmp_path: Path):
    settings = Settings({"PATH": str(tmp_path), "BIFROST_HOME": str(tmp_path)}, tmp_path)

    assert not start_containers(settings, progress=lambda _: None)
