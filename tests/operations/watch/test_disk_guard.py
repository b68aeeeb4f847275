"""A disk that is nearly full pauses what writes, and ends nothing."""

from __future__ import annotations

import json

import pytest

from bifrost.errors import SettingError
from bifrost.operations.health import machine_checks
from bifrost.operations.health.finding import Severity
from bifrost.operations.watch.disk_guard import MIB, DiskGuard, DiskLimits, disk_limits, forget_generators
from bifrost.operations.watch.watch_state import read_state
from bifrost.settings import Settings
from tests.deployer.conftest import fakes, project
from tests.fakes.http_server import Fault
from tests.operations.conftest import deployed
from tests.operations.watch.test_watcher import CONNECTOR, Clock, Events, Watcher, look

__all__ = ["deployed", "fakes", "project"]


class Disk:
    """The free space of a disk, as the tests set it."""

    def __init__(self) -> None:
        self.free_mib = 5000

    def free(self, _folder: object) -> int:
        return self.free_mib * MIB


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def settings(tmp_path):
    found = Settings({"BIFROST_HOME": str(tmp_path)})
    found.run.mkdir(parents=True)
    return found


@pytest.fixture
def watcher(deployed, events, settings, disk):
    deployed.services.add("generator", "running")
    deployed.services.add("orders_demo", "stopped")
    return new_watcher(deployed, events, settings, disk)


def new_watcher(deployed, events, settings, disk) -> Watcher:
    guard = DiskGuard(settings.home, settings.disk_pause, free=disk.free)
    return Watcher(deployed.platform, ("ratings_bot",), events, Clock(), state_file=settings.watch_state, disk=guard)


def changes_of_connectors(deployed) -> list[str]:
    requests = deployed.servers["connect"].requests
    return [request.path.rpartition("/")[2] for request in requests if request.method == "PUT"]


def test_connectors_and_generators_are_paused_on_a_nearly_full_disk(deployed, watcher, events, settings, disk):
    look(watcher, 2)
    assert changes_of_connectors(deployed) == [] and deployed.services.writes == []

    disk.free_mib = 312
    look(watcher, 3)

    assert deployed.connect.states[CONNECTOR] == "PAUSED"
    assert set(changes_of_connectors(deployed)) == {"pause"}
    assert deployed.services.writes == ["stop generator"]
    (text,) = events.texts
    assert text.startswith("disk space is low: 312 MiB are free on the disk of")
    assert text.endswith("are paused until 1000 MiB are free: delete what is not needed")
    assert read_state(settings.watch_state)["disk space"].startswith("is low: 312 MiB are free")


def test_they_are_resumed_when_there_is_enough_space_again(deployed, watcher, events, settings, disk):
    disk.free_mib = 100
    look(watcher)
    disk.free_mib = 800
    look(watcher, 3)
    assert deployed.connect.states[CONNECTOR] == "PAUSED"

    disk.free_mib = 1000
    look(watcher, 2)

    assert deployed.connect.states[CONNECTOR] == "RUNNING"
    assert deployed.services.writes == ["stop generator", "start generator"]
    assert events.texts[-1] == "disk space is enough again: what was paused is resumed"
    assert len(events.texts) == 2
    assert read_state(settings.watch_state) == {}
    assert not settings.disk_pause.exists()


def test_what_a_person_paused_stays_paused(deployed, watcher, disk):
    deployed.connect.states[CONNECTOR] = "PAUSED"
    disk.free_mib = 100
    look(watcher)
    disk.free_mib = 5000
    look(watcher)
    assert deployed.connect.states[CONNECTOR] == "PAUSED"
    assert "start orders_demo" not in deployed.services.writes


def test_a_restarted_watcher_resumes_what_the_one_before_has_paused(deployed, watcher, events, settings, disk):
    disk.free_mib = 100
    look(watcher)
    disk.free_mib = 5000
    look(new_watcher(deployed, events, settings, disk))
    assert deployed.connect.states[CONNECTOR] == "RUNNING"
    assert deployed.services.writes == ["stop generator", "start generator"]


def test_a_generator_that_was_paused_before_the_platform_stopped_is_not_started(
    deployed, watcher, events, settings, disk
):
    """As `up --no-demo` wants it. A connector is still paused after a restart of Kafka Connect."""
    disk.free_mib = 100
    look(watcher)
    forget_generators(settings.disk_pause)
    disk.free_mib = 5000
    look(new_watcher(deployed, events, settings, disk))
    assert deployed.services.writes == ["stop generator"]
    assert deployed.connect.states[CONNECTOR] == "RUNNING"
    assert not settings.disk_pause.exists()


@pytest.mark.parametrize("content", [None, "", "{", "[]", '["connector:a"]'])
def test_without_a_paused_generator_nothing_is_forgotten(settings, content):
    if content is not None:
        settings.disk_pause.write_text(content)
    forget_generators(settings.disk_pause)
    assert (settings.disk_pause.read_text() if settings.disk_pause.exists() else None) == content


def test_a_connector_that_up_resumed_is_paused_again(deployed, watcher, events, disk):
    disk.free_mib = 100
    look(watcher)
    deployed.connect.states[CONNECTOR] = "RUNNING"
    look(watcher)
    assert deployed.connect.states[CONNECTOR] == "PAUSED"
    assert len(events.texts) == 1


def test_a_resume_that_fails_is_repeated(deployed, watcher, disk):
    disk.free_mib = 100
    look(watcher)
    disk.free_mib = 5000
    fault = Fault("PUT", f"/connectors/{CONNECTOR}/resume", status=400, body={}, times=1)
    deployed.servers["connect"].faults.append(fault)
    look(watcher, 2)
    assert deployed.connect.states[CONNECTOR] == "RUNNING"


def test_files_that_cannot_be_written_do_not_end_the_watcher(deployed, events, settings, disk, tmp_path):
    nowhere = tmp_path / "missing" / "file.json"
    guard = DiskGuard(settings.home, nowhere, free=disk.free)
    watcher = Watcher(deployed.platform, (), events, Clock(), state_file=nowhere, disk=guard)
    disk.free_mib = 0
    look(watcher, 2)
    assert deployed.connect.states[CONNECTOR] == "PAUSED"
    assert len(events.texts) == 1


@pytest.mark.parametrize("content", ["", "{", "[1", "null", '{"a": 1}'])
def test_a_damaged_file_is_replaced(deployed, watcher, settings, disk, content):
    settings.disk_pause.write_text(content)
    disk.free_mib = 100
    look(watcher)
    assert f"connector:{CONNECTOR}" in json.loads(settings.disk_pause.read_text())


def test_doctor_reports_what_is_paused(deployed, watcher, settings, disk):
    disk.free_mib = 100
    look(watcher)
    (finding,) = (each for each in machine_checks.resources(settings) if each.thing == "disk")
    assert finding.severity is Severity.ERROR
    assert f"paused for lack of space: component:generator, connector:{CONNECTOR}" in finding.text


def test_the_limits_are_settings():
    assert disk_limits(Settings()) == DiskLimits(500 * MIB, 1000 * MIB)
    assert disk_limits(Settings({"BIFROST_DISK_PAUSE_BELOW_MB": "50"})) == DiskLimits(50 * MIB, 100 * MIB)
    both = Settings({"BIFROST_DISK_PAUSE_BELOW_MB": "50", "BIFROST_DISK_RESUME_FROM_MB": "60"})
    assert disk_limits(both) == DiskLimits(50 * MIB, 60 * MIB)


@pytest.mark.parametrize("value", ["-1", "1.5", "500 MB", "9" * 20])
def test_a_limit_that_is_no_number_is_refused(value):
    with pytest.raises(SettingError, match=r"BIFROST_DISK_PAUSE_BELOW_MB: .* is not a number of MB"):
        disk_limits(Settings({"BIFROST_DISK_PAUSE_BELOW_MB": value}))


def test_a_resume_below_the_pause_is_refused():
    with pytest.raises(SettingError, match="400 is less than BIFROST_DISK_PAUSE_BELOW_MB"):
        disk_limits(Settings({"BIFROST_DISK_RESUME_FROM_MB": "400"}))
