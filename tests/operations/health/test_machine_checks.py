"""Checks of the machine."""

import pytest

from bifrost.operations.health import machine_checks
from bifrost.operations.health.finding import Severity
from bifrost.settings import Settings
from tests.fakes.kafka import FakeServices


@pytest.fixture
def settings(tmp_path):
    return Settings({"BIFROST_HOME": str(tmp_path / "home")}, tmp_path)


def severities(findings):
    return {finding.thing: finding.severity for finding in findings}


def test_a_machine_with_enough_of_everything(settings, monkeypatch):
    monkeypatch.setattr(machine_checks, "available_memory", lambda: 8 << 30)
    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda path: Disk(9 << 40))
    monkeypatch.setattr(machine_checks.resource, "getrlimit", lambda kind: (1024, 1 << 20))
    assert set(severities(machine_checks.resources(settings)).values()) == {Severity.OK}


class Disk:
    def __init__(self, free):
        self.free = self.total = free


def test_a_machine_without(settings, monkeypatch):
    monkeypatch.setattr(machine_checks, "available_memory", lambda: 100 << 20)
    monkeypatch.setattr(machine_checks.shutil, "disk_usage", lambda path: Disk(1 << 20))
    monkeypatch.setattr(machine_checks.resource, "getrlimit", lambda kind: (256, 256))
    found = severities(machine_checks.resources(settings))
    assert found == dict.fromkeys(("memory", "disk", "open files"), Severity.WARNING)


def test_errors_near_the_end_of_a_log(settings):
    settings.logs.mkdir(parents=True)
    (settings.logs / "connect.log").write_text("[x] ERROR old\n" + "fine\n" * 100_000 + "[2026] ERROR task failed\n")
    (settings.logs / "broker.log").write_text("[x] INFO fine\n")

    broker, connect = machine_checks.log_errors(settings)

    assert (broker.severity, connect.severity) == (Severity.OK, Severity.WARNING)
    assert connect.text == "1 errors near its end: [2026] ERROR task failed"
    assert connect.advice == "`logs connect` shows more"


def test_sizes_of_data_and_logs(settings):
    (settings.data / "broker").mkdir(parents=True)
    (settings.data / "broker" / "log").write_bytes(b"x" * (3 << 20))
    assert [finding.text for finding in machine_checks.folders(settings)] == ["3 MiB: broker 3 MiB"]


def test_components_that_failed_or_were_restarted(deployed):
    services = FakeServices()
    services.add("connect", "failed", "out of memory")
    services.add("broker", "ready")
    found = list(machine_checks.components(type("P", (), {"services": services})))
    assert [(finding.thing, finding.severity) for finding in found] == [
        ("connect", Severity.ERROR),
        ("broker", Severity.OK),
    ]
    assert found[0].text == "failed: out of memory"
