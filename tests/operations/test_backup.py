"""A backup of the embedded platform's data, restored into a fresh folder."""

import json
import os
import socket
import tarfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from bifrost import __version__
from bifrost.errors import OperationRefused
from bifrost.operations import backup
from bifrost.operations.backup import MANIFEST, back_up, read_manifest, restore
from bifrost.settings import Settings
from bifrost.supervisor.supervisor_lock import lock_for_supervisor


@pytest.fixture
def home(tmp_path):
    settings = Settings({"BIFROST_HOME": str(tmp_path / "home")}, tmp_path)
    log = settings.data / "broker" / "orders-0" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"records" + bytes(3 << 20) + b"end")
    log.chmod(0o640)
    os.utime(log, (1_700_000_000, 1_700_000_000))
    (settings.data / "mariadb").mkdir(mode=0o750)
    (settings.data / "mariadb" / "empty").touch()
    (settings.data / "mariadb" / "link").symlink_to("empty")
    return settings


@pytest.fixture
def fresh(tmp_path):
    return Settings({"BIFROST_HOME": str(tmp_path / "fresh")}, tmp_path)


def rewritten(source, target, change):
    """A copy of a backup, whose entries a test changes: (name, bytes) -> (name, bytes)."""
    with tarfile.open(source, "r:gz") as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = old.extractfile(member).read() if member.isreg() else b""
            member.name, content = change(member.name, content)
            member.size = len(content)
            new.addfile(member, BytesIO(content))
    return target


def test_everything_comes_back_as_it_was(home, fresh, tmp_path):
    file, seen = tmp_path / "b.tar.gz", []

    written = back_up(home, file, lambda done, whole: seen.append((done, whole)))
    found = restore(fresh, file)

    assert found == written == read_manifest(file)
    assert (written.version, written.files) == (__version__, 6)
    assert seen[-1] == (written.bytes, written.bytes)
    old, new = (settings.data / "broker" / "orders-0" / "0.log" for settings in (home, fresh))
    assert new.read_bytes() == old.read_bytes()
    assert (new.stat().st_mode, new.stat().st_mtime) == (old.stat().st_mode, 1_700_000_000)
    assert (fresh.data / "mariadb").stat().st_mode == (home.data / "mariadb").stat().st_mode
    assert (fresh.data / "mariadb" / "link").readlink().name == "empty"
    assert sorted(path.name for path in fresh.home.iterdir()) == ["data", "logs", "run"]


def test_only_its_owner_can_read_the_file(home, tmp_path):
    file = tmp_path / "b.tar.gz"
    back_up(home, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_reserved_space_stays_a_hole(home, fresh, tmp_path):
    file = tmp_path / "b.tar.gz"
    back_up(home, file)
    assert file.stat().st_size < 100_000
    restore(fresh, file)
    new = fresh.data / "broker" / "orders-0" / "0.log"
    assert new.stat().st_blocks * 512 < new.stat().st_size


def test_sockets_are_left_out(home, fresh, tmp_path, monkeypatch):
    monkeypatch.chdir(home.data)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("mysql.sock")
        back_up(home, tmp_path / "b.tar.gz")
    restore(fresh, tmp_path / "b.tar.gz")
    assert not (fresh.data / "mysql.sock").exists()


@pytest.mark.parametrize("action", [back_up, restore])
def test_a_running_platform_is_refused(home, fresh, tmp_path, monkeypatch, action):
    file = tmp_path / "b.tar.gz"
    back_up(home, file)
    monkeypatch.setattr(backup.SupervisorClient, "is_running", lambda self: True)
    with pytest.raises(OperationRefused, match="the platform is running; `down` stops it"):
        action(fresh, file)


@pytest.mark.parametrize("action", [back_up, restore])
def test_a_supervisor_that_is_still_starting_ends_before_data_is_touched(home, fresh, tmp_path, action):
    """After a kill of the `up` that started it, it has no control socket yet."""
    file = tmp_path / "b.tar.gz"
    back_up(home, file)
    settings = home if action is back_up else fresh
    settings.run.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as threads:
        with lock_for_supervisor(settings):
            acting = threads.submit(action, settings, tmp_path / "b.tar.gz")
            with pytest.raises(TimeoutError):
                acting.result(timeout=0.3)
        assert acting.result(timeout=30)


def test_leftovers_of_a_killed_platform_are_refused(home, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "leftover_pids", lambda home: [1, 2])
    with pytest.raises(OperationRefused, match="2 processes of a killed platform still run; `down` ends them"):
        back_up(home, tmp_path / "b.tar.gz")


def test_without_data_there_is_nothing_to_back_up(fresh, tmp_path):
    with pytest.raises(OperationRefused, match="does not exist; `up` creates it"):
        back_up(fresh, tmp_path / "b.tar.gz")


def test_existing_data_is_never_overwritten(home, tmp_path):
    back_up(home, tmp_path / "b.tar.gz")
    with pytest.raises(OperationRefused, match="has data; restore into a fresh BIFROST_HOME"):
        restore(home, tmp_path / "b.tar.gz")


def test_another_version_is_refused(home, fresh, tmp_path):
    back_up(home, tmp_path / "b.tar.gz")

    def older(name, content):
        return name, json.dumps({**json.loads(content), "version": "0.1.0"}).encode() if name == MANIFEST else content

    old = rewritten(tmp_path / "b.tar.gz", tmp_path / "old.tar.gz", older)
    with pytest.raises(
        OperationRefused, match=r"is of Bifrost 0\.1\.0, and this is .*; restore it with Bifrost 0\.1\.0"
    ):
        restore(fresh, old)
    assert not fresh.data.exists()


@pytest.mark.parametrize("name", ["data/../../evil", "/etc/evil", "other/file", "data"])
def test_entries_outside_of_the_folder_are_refused(home, fresh, tmp_path, name):
    back_up(home, tmp_path / "b.tar.gz")
    bad = rewritten(
        tmp_path / "b.tar.gz",
        tmp_path / "bad.tar.gz",
        lambda old, content: (name if old.endswith("0.log") else old, content),
    )
    with pytest.raises(OperationRefused, match="has an entry that no backup has"):
        restore(fresh, bad)
    assert not fresh.data.exists()


@pytest.mark.parametrize("cut", [0, 10, 200, -20])
def test_a_damaged_file_is_refused_and_leaves_nothing(home, fresh, tmp_path, cut):
    file = tmp_path / "b.tar.gz"
    back_up(home, file)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(OperationRefused, match=r"nothing was restored: .*(is damaged|is no backup)"):
        restore(fresh, file)
    assert [path.name for path in fresh.home.iterdir() if "data" in path.name] == []


@pytest.mark.parametrize("content", [b"no tar at all", None])
def test_something_else_is_no_backup(fresh, tmp_path, content):
    file = tmp_path / "x"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(OperationRefused, match="nothing was restored"):
        read_manifest(file)


def test_a_full_disk_is_noticed_before(home, fresh, tmp_path, monkeypatch):
    back_up(home, tmp_path / "b.tar.gz")
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 5}))
    with pytest.raises(OperationRefused, match=r"needs .* bytes, and .* has 5 bytes free"):
        restore(fresh, tmp_path / "b.tar.gz")
