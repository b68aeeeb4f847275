"""Everything that prevents a start is reported together, with what to do."""

import pytest

from bifrost.default_settings import PORTS
from bifrost.errors import ComponentError
from bifrost.supervisor.install.system_parts import PLATFORM_PARTS
from bifrost.supervisor.launch import start_platform
from bifrost.supervisor.platform_components import COMPONENTS
from bifrost.supervisor.ports import PortAssignment, PortHolder
from bifrost.supervisor.preflight import MIB, PORTS_OF_COMPONENT, Machine, MinimumResources, available_memory, problems
from tests.supervisor.listening import listener

PLENTY = 10_000 * MIB


def machine(**options) -> Machine:
    return Machine(
        **{
            "memory": lambda: PLENTY,
            "disk": lambda path: PLENTY,
            "is_free": lambda port: True,
            "port_holder": lambda port: PortHolder(0, ""),
            "missing": lambda settings: [],
            **options,
        }
    )


def found(settings, components=COMPONENTS, **options) -> list[str]:
    return problems(
        settings, components, PortAssignment(PORTS), machine=machine(**options), needs=MinimumResources(2000, 500, 1000)
    )


def test_a_machine_that_has_everything_has_no_problems(settings):
    assert found(settings) == []


def test_too_little_memory_names_both_numbers(settings):
    (problem,) = found(settings, memory=lambda: 900 * MIB)
    assert problem.startswith("memory: 900 MiB are available, the platform needs about 2000 MiB")


def test_the_disk_must_also_hold_what_is_still_to_be_fetched(settings):
    (problem,) = found(settings, disk=lambda path: 1499 * MIB)
    assert "disk: 1499 MiB are free" in problem
    assert str(settings.home) in problem
    assert "1500 MiB are needed" in problem
    assert found(settings, disk=lambda path: 1500 * MIB) == []


def test_a_taken_port_is_named_with_its_holder_and_the_ways_out(settings):
    (problem,) = found(
        settings, is_free=lambda port: port != PORTS["connect"], port_holder=lambda port: PortHolder(4711, "java Other")
    )
    assert problem == (
        "port 8083 (connect) is used by pid 4711: java Other; "
        "use --ports auto, or set BIFROST_PORT_CONNECT to another one"
    )


def test_ports_of_components_that_are_not_started_do_not_matter(settings):
    assert found(settings, ("mariadb",), is_free=lambda port: port == PORTS["mysql"]) == []


def test_missing_programs_come_with_their_packages(settings):
    every = found(settings, missing=lambda settings: PLATFORM_PARTS)
    assert [problem.split(" is not")[0] for problem in every] == [
        "Java 17 to 25 with a compiler",
        "Maven",
        "MariaDB server",
        "MariaDB client",
        "PostgreSQL server",
    ]
    assert every[2].endswith("apt-get install --no-install-recommends mariadb-server-core")
    assert found(settings, ("console",), missing=lambda settings: PLATFORM_PARTS) == []


def test_all_problems_are_reported_together(settings):
    every = found(
        settings, memory=lambda: 1, disk=lambda path: 1, is_free=lambda port: False, missing=lambda s: PLATFORM_PARTS
    )
    assert len(every) == 2 + len(PLATFORM_PARTS) + sum(map(len, PORTS_OF_COMPONENT.values()))


def test_the_limit_of_a_container_counts(tmp_path):
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    (proc / "meminfo").write_text("MemTotal: 9999 kB\nMemAvailable: 5000 kB\n")
    assert available_memory(proc, cgroup) == 5000 * 1024
    (cgroup / "memory.max").write_text("3000000\n")
    (cgroup / "memory.current").write_text("1000000\n")
    assert available_memory(proc, cgroup) == 2_000_000
    (cgroup / "memory.max").write_text("max\n")
    assert available_memory(proc, cgroup) == 5000 * 1024


def test_a_refused_start_starts_nothing(settings):
    with listener() as port:
        taken = settings.with_values(BIFROST_PORT_CONSOLE=str(port))
        with pytest.raises(ComponentError, match=f"nothing was started:\n  - port {port} \\(console\\) is used by pid"):
            start_platform(taken, progress=lambda line: None, only=("console",))
    assert not settings.endpoints_file.exists()
    assert not settings.control_socket.exists()
