"""Checks memory, disk, ports, Java and databases before anything is started. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bifrost.settings import Settings
from bifrost.supervisor import ports
from bifrost.supervisor.install.install_folders import jvm_parts_installed
from bifrost.supervisor.install.system_parts import PLATFORM_PARTS, SystemPart, missing

MIB = 1024 * 1024

PORTS_OF_COMPONENT: Mapping[str, tuple[str, ...]] = {
    "broker": ("kafka", "kafka_controller"),
    "connect": ("connect",),
    "schema_registry": ("schema_registry",),
    "mariadb": ("mysql",),
    "postgres": ("postgres",),
    "mongodb": ("mongodb",),
    "ksqldb": ("ksqldb",),
    "console": ("console",),
    "search": ("search",),
    "s3": ("s3",),
    "rest_proxy": ("rest_proxy",),
}
"""The parts (keys of `default_settings.PORTS`) whose ports each component listens on."""


def available_memory(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes available without swapping, and within the memory limit of the container if there is one."""
    fields = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines())
    free = int(fields["MemAvailable"].split()[0]) * 1024
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))


def _free_disk(path: Path) -> int:
    return shutil.disk_usage(path).free


def _missing_platform_parts(settings: Settings) -> list[SystemPart]:
    return missing(settings, PLATFORM_PARTS)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks look at; tests replace it."""

    memory: Callable[[], int] = available_memory  # bytes
    disk: Callable[[Path], int] = _free_disk  # bytes
    is_free: Callable[[int], bool] = ports.is_free
    port_holder: Callable[[int], ports.PortHolder] = ports.port_holder
    missing: Callable[[Settings], Iterable[SystemPart]] = _missing_platform_parts


@dataclass(frozen=True, slots=True)
class MinimumResources:
    """Free memory and disk that a start requires, in MiB."""

    memory: int = 1800
    disk: int = 500
    disk_for_stack: int = 1200  # in addition, until the JVM stack is installed


def problems(
    settings: Settings,
    components: Iterable[str],
    assignment: ports.PortAssignment,
    *,
    machine: Machine | None = None,
    needs: MinimumResources | None = None,
) -> list[str]:
    """Return everything that prevents starting these components on these ports, a line each."""
    machine, needs, names = machine or Machine(), needs or MinimumResources(), set(components)
    return [
        *_resources(settings, machine, needs),
        *_missing_parts(settings, names, machine),
        *_unusable_ports(names, assignment, machine),
    ]


def _resources(settings: Settings, machine: Machine, needs: MinimumResources) -> Iterator[str]:
    memory = machine.memory() // MIB
    if memory < needs.memory:
        yield f"memory: {memory} MiB are available, the platform needs about {needs.memory} MiB; stop other programs"
    wanted = needs.disk if jvm_parts_installed(settings) else needs.disk + needs.disk_for_stack
    disk = machine.disk(_existing(settings.home)) // MIB
    if disk < wanted:
        yield (
            f"disk: {disk} MiB are free on the disk of {settings.home}, {wanted} MiB are needed; "
            "free some, or set BIFROST_HOME to a folder on another disk"
        )


def _missing_parts(settings: Settings, names: set[str], machine: Machine) -> Iterator[str]:
    for part in machine.missing(settings):
        if part.components & names:
            yield f"{part.name} is not installed: apt-get install --no-install-recommends {part.packages[0]}"


def _unusable_ports(names: set[str], assignment: ports.PortAssignment, machine: Machine) -> Iterator[str]:
    for part in (part for name, parts in PORTS_OF_COMPONENT.items() if name in names for part in parts):
        port = assignment.ports[part]
        if not machine.is_free(port):
            user = f"is used by {machine.port_holder(port)}"
        elif part in assignment.unclaimed:
            user = "is reserved by another platform, or by another part of this one"
        else:
            continue
        yield (f"port {port} ({part}) {user}; use --ports auto, or set BIFROST_PORT_{part.upper()} to another one")


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
