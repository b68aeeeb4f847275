"""The platform's ports: which to use, and which process occupies a port."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import sample

from bifrost.default_settings import LOOPBACK, PORTS
from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.port_claims import PortClaims

_PROC = Path("/proc")
_FIRST_AUTOMATIC, _LAST_AUTOMATIC = 20_000, 32_000
_LISTENING = "0A"  # state LISTEN in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class PortHolder:
    """A process that listens on a port; pid 0 if it belongs to another user."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"pid {self.pid}: {self.command}" if self.pid else "a process of another user"


@dataclass(frozen=True, slots=True)
class PortAssignment:
    """The ports of a platform by part; `unclaimed` are parts whose port another platform has claimed."""

    ports: Mapping[str, int]
    unclaimed: frozenset[str] = frozenset()


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


def assign_ports(settings: Settings, claims: PortClaims, *, automatic: bool) -> PortAssignment:
    """Choose and claim the port of every part for a new platform.

    In order of precedence: `BIFROST_PORT_<PART>`, the port of the previous platform of this home, the default. With
    `automatic`, a free port replaces an occupied or claimed one unless it was set.
    """
    before = read_ports(settings.previous_ports_file)
    ports: dict[str, int] = {}
    unclaimed: set[str] = set()
    for part, default in PORTS.items():
        is_set = bool(settings.get(f"BIFROST_PORT_{part.upper()}"))
        port = settings.declared_port(part) if is_set else before.get(part, default)
        if automatic and not is_set:
            ports[part] = port if is_free(port) and claims.claim(port) else _claim_free_port(claims)
        else:
            ports[part] = port
            if not claims.claim(port):
                unclaimed.add(part)
    return PortAssignment(ports, frozenset(unclaimed))


def read_ports(path: Path) -> dict[str, int]:
    """Read ports by part from a file that `write_ports` wrote; empty if it is missing or unreadable."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    ports = found.get("ports") if isinstance(found, dict) else None
    known = ports.items() if isinstance(ports, dict) else ()
    return {part: port for part, port in known if part in PORTS and type(port) is int and 0 < port < 65536}


def write_ports(path: Path, ports: Mapping[str, int], *, secured: bool = False, jmx: bool = False) -> None:
    """Write ports by part, whether the platform is secured, and whether agents serve the figures of JMX.

    A reader sees the old file or the new one, never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    found = {"ports": dict(ports), **({"secured": True} if secured else {}), **({"jmx": True} if jmx else {})}
    unfinished.write_text(json.dumps(found, indent=1) + "\n")
    unfinished.replace(path)


def _claim_free_port(claims: PortClaims) -> int:
    # Below the range from which the kernel takes ports of outgoing connections: one of those could take the port later.
    candidates = range(_FIRST_AUTOMATIC, _LAST_AUTOMATIC)
    for port in sample(candidates, len(candidates)):
        if is_free(port) and claims.claim(port):
            return port
    raise ComponentError("platform", f"no port from {_FIRST_AUTOMATIC} to {_LAST_AUTOMATIC} is free")


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
