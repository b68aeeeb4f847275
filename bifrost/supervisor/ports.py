"""The platform's ports: which to use, and which process occupies a port."""

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
_LISTENING = "0A"  # state LISTEN in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class PortHolder:
    """A process that listens on a port; pid 0 if it belongs to another user."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"pid {self.pid}: {self.command}" if self.pid else "a process of another user"


def is_free(port: int) -> bool:
    """Whether a server can listen on a port of the loopback."""
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
    """The process that listens on a port, as far as /proc shows it."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for entry in proc.iterdir():
        if entry.name.isdigit() and _has_open(entry, sockets):
            return PortHolder(int(entry.name), _command(entry))
    return PortHolder(0, "")


def assign_ports(settings: Settings, *, automatic: bool) -> dict[str, int]:
    """The port of every part for a new platform.

    In order of precedence: `BIFROST_PORT_<PART>`, the port of the previous platform of this home, the default. With
    `automatic`, a free port replaces an occupied one unless it was set.
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
    """The file that remembers the ports of a home's last platform while none runs."""
    return settings.data / "ports.json"


def read_ports(path: Path) -> dict[str, int]:
    """Read ports by part from a file that `write_ports` wrote; empty if it is missing or unreadable."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(part): int(port) for part, port in found.get("ports", {}).items() if part in PORTS}


def write_ports(path: Path, ports: Mapping[str, int]) -> None:
    """Write ports by part, atomically: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps({"ports": dict(ports)}, indent=1) + "\n")
    unfinished.replace(path)


def _free_ports(count: int, *, avoid: Iterable[int]) -> list[int]:
    avoided = set(avoid)
    found: list[int] = []
    with ExitStack() as held:  # keep all open until the last is found, so that no port comes twice
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
    except OSError:  # ended, or owned by another user
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed since the listing
        return ""


def _command(process: Path) -> str:
    try:
        text = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "it has just ended"
    return text[:120]
