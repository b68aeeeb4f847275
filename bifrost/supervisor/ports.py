"""The platform's ports: which to take, and who holds one that is taken."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bifrost.settings import LOOPBACK, PORTS, Settings

_PROC = Path("/proc")
_LISTENING = "0A"  # the state's number in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class PortHolder:
    """A process that listens on a port; pid 0 when it is not ours to see."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"pid {self.pid}: {self.command}" if self.pid else "a process of another user"


def is_free(port: int) -> bool:
    """Whether a port of the loopback can be listened on."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def port_holder(port: int, *, proc: Path = _PROC) -> PortHolder:
    """Who listens on a port, as far as /proc lets us see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for entry in proc.iterdir():
        if entry.name.isdigit() and _has_open(entry, sockets):
            return PortHolder(int(entry.name), _command(entry))
    return PortHolder(0, "")


def assign_ports(settings: Settings, *, automatic: bool) -> dict[str, int]:
    """The port of every part for a new platform.

    A port that is set (`BIFROST_PORT_<PART>`) holds; then the one of the platform that ran here before; then the
    default. With `automatic`, one of the latter two that is taken gives way to a free one.
    """
    before = read_ports(previous_file(settings))
    fixed = {part for part in PORTS if settings.get(f"BIFROST_PORT_{part.upper()}")}
    ports = {
        part: settings.declared_port(part) if part in fixed else before.get(part, default)
        for part, default in PORTS.items()
    }
    if automatic:
        taken = [part for part, port in ports.items() if part not in fixed and not is_free(port)]
        ports.update(zip(taken, _free_ports(len(taken), avoid=ports.values()), strict=True))
    return ports


def previous_file(settings: Settings) -> Path:
    """Where the ports of a home's last platform are remembered while none runs."""
    return settings.data / "ports.json"


def read_ports(path: Path) -> dict[str, int]:
    """Ports by part from a file that `write_ports` made; empty when there is none."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(part): int(port) for part, port in found.get("ports", {}).items() if part in PORTS}


def write_ports(path: Path, ports: Mapping[str, int]) -> None:
    """Write ports by part; a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps({"ports": dict(ports)}, indent=1) + "\n")
    unfinished.replace(path)


def _free_ports(count: int, *, avoid: Iterable[int]) -> list[int]:
    avoided = set(avoid)
    found: list[int] = []
    with ExitStack() as held:  # all are held until the last is found, so that none comes twice
        while len(found) < count:
            listener = held.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            port = listener.getsockname()[1]
            if port not in avoided:
                found.append(port)
    return found


def _listening_inodes(port: int, proc: Path) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        rows = (line.split() for line in lines)
        inodes += [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
    return inodes


def _has_open(process: Path, sockets: set[str]) -> bool:
    try:
        return any(_target(link) in sockets for link in (process / "fd").iterdir())
    except OSError:  # gone, or someone else's
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed since it was listed
        return ""


def _command(process: Path) -> str:
    try:
        text = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "it has just ended"
    return text[:120]
