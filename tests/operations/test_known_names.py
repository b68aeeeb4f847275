"""Names for the shell's completion."""

from contextlib import contextmanager

from bifrost.operations.known_names import KEPT_S, declared_names, live_names
from bifrost.settings import Settings
from tests.fakes.http_server import Fault


def opened(deployed):
    @contextmanager
    def open_platform(settings):
        deployed.opened = getattr(deployed, "opened", 0) + 1
        yield deployed.platform

    return open_platform


def test_live_names_are_remembered_for_a_while(deployed, project):
    settings = Settings({"BIFROST_HOME": str(project.root / "home")}, project.root)

    first = live_names(settings, opened(deployed), 100.0)
    assert {"mysql-demo-customers", "CSAS_ALERTS_2", "ALERTS", "ratings_bot", "broker"} <= set(first)
    assert live_names(settings, opened(deployed), 100.0 + KEPT_S - 1) == first
    assert deployed.opened == 1
    live_names(settings, opened(deployed), 100.0 + KEPT_S)
    assert deployed.opened == 2


def test_a_part_that_does_not_answer_leaves_its_names_out(deployed, project):
    settings = Settings({"BIFROST_HOME": str(project.root / "home")}, project.root)
    deployed.servers["connect"].faults.append(Fault("GET", "/connectors", status=500, body={}, times=9))
    assert "ratings_bot" in live_names(settings, opened(deployed), 0)


def test_a_broken_cache_and_a_broken_file_are_no_error(project):
    settings = Settings({"BIFROST_HOME": str(project.root / "home")}, project.root)
    settings.run.mkdir(parents=True)
    (settings.run / "names-declared-embedded.json").write_text("{")
    assert {"RATINGS", "mysql-demo-customers"} <= set(declared_names(settings, 0))
    project.write("topics/broken.json", "{")
    assert declared_names(settings, 1000) == ()
