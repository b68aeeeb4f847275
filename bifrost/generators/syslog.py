"""Generates the logs of a house: `python -m bifrost.generators.syslog --rate 5` sends lines to the syslog source.

Computers and access points log logins, cron jobs, kernel messages and stations; now and then a stranger guesses names.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from random import Random

from bifrost.clients import syslog
from bifrost.clients.readiness import wait_until_ready
from bifrost.generators import program
from bifrost.generators.program import Generator, Wait, Workload
from bifrost.generators.sending import DemoRecord, Sender
from bifrost.settings import Settings

KERN, DAEMON, AUTH, CRON = 0, 3, 4, 9
ERR, WARNING, NOTICE, INFO = 3, 4, 5, 6

COMPUTERS = ("rpi-03", "proxmox01", "nas")
ACCESS_POINTS = ('("BZ2,24a43c000001,v3.7.40.6115")', '("BZ2,24a43c000002,v3.7.40.6115")')
RFC_5424_HOST = "nas"
"""Hosts with this prefix write in the form of RFC 5424, the others in that of RFC 3164."""

PEOPLE = ("robin", "backup", "ansible")
NAMES = ("oracle", "test", "mini", "admin", "support", "user", "1234", "pi", "git", "postgres", "ubnt")
STRANGERS = ("185.55.218.153", "114.130.4.16", "103.99.0.209", "45.227.255.206", "2001:db8:bad::7")
JOBS = ("run-parts --report /etc/cron.hourly", "/usr/local/bin/backup.sh", "/usr/lib/php/sessionclean")
KERNEL = (
    (WARNING, 'audit: type=1400 apparmor="DENIED" operation="ptrace" profile="docker-default" comm="node"'),
    (ERR, "EXT4-fs error (device sda1): ext4_lookup:1590: inode #12: deleted inode referenced"),
    (INFO, "eth0: link up, 1000Mbps, full-duplex"),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ATTACK_PROBABILITY = 0.02
"""Probability that a line begins an attack."""


@dataclass(frozen=True, slots=True)
class Line:
    """A log line of a program on a host; `pid` 0 means that the line contains none."""

    host: str
    facility: int
    level: int
    program: str
    pid: int
    text: str

    def encode(self, now: datetime) -> bytes:
        """Return the line in the host's form at the (aware) time `now`."""
        # Both RFCs count priorities so.
        priority = self.facility * 8 + self.level
        if self.host.startswith(RFC_5424_HOST):
            stamp = now.isoformat(timespec="milliseconds")
            return f"<{priority}>1 {stamp} {self.host} {self.program} {self.pid or '-'} - - {self.text}".encode()
        stamp = f"{MONTHS[now.month - 1]} {now.day:2d} {now:%H:%M:%S}"
        process = f"[{self.pid}]" if self.pid else ""
        return f"<{priority}>{stamp} {self.host} {self.program}{process}: {self.text}".encode()


def lines(random: Random) -> Iterator[Line]:
    """Yield lines without end; the lines of an attack are mixed with ordinary ones."""
    attack: deque[Line] = deque()
    while True:
        if attack and random.random() < 0.6:
            yield attack.popleft()
        elif not attack and random.random() < ATTACK_PROBABILITY:
            attack.extend(_attack(random))
        else:
            yield from _ordinary_lines(random)


def _attack(random: Random) -> Iterator[Line]:
    host, address = random.choice(COMPUTERS), random.choice(STRANGERS)
    for _ in range(random.randrange(3, 12)):
        pid, port = random.randrange(1_000, 32_000), random.randrange(1_024, 65_536)
        if random.random() < 0.2:
            yield _sshd(host, pid, f"Failed password for root from {address} port {port} ssh2")
            continue
        name = random.choice(NAMES)
        yield _sshd(host, pid, f"Invalid user {name} from {address} port {port}")
        yield _sshd(host, pid, f"input_userauth_request: invalid user {name} [preauth]")
        yield _sshd(host, pid, f"Received disconnect from {address}: 11: Bye Bye [preauth]")


def _ordinary_lines(random: Random) -> Iterator[Line]:
    host, pid = random.choice(COMPUTERS), random.randrange(1_000, 32_000)
    match random.randrange(10):
        case 0 | 1:
            yield from _session(random, host, pid)
        case 2 | 3:
            yield Line(host, CRON, INFO, "CRON", pid, f"(root) CMD ({random.choice(JOBS)})")
        case 4:
            level, text = random.choice(KERNEL)
            yield Line(host, KERN, level, "kernel", 0, f"[{random.randrange(10**7)}.{pid:06d}] {text}")
        case _:
            yield _station(random)


def _session(random: Random, host: str, pid: int) -> Iterator[Line]:
    name, address = random.choice(PEOPLE), f"192.168.10.{random.randrange(20, 60)}"
    if random.random() < 0.1:
        yield _sshd(host, pid, f"Failed password for {name} from {address} port {pid + 30_000} ssh2")
    yield _sshd(
        host, pid, f"Accepted publickey for {name} from {address} port {pid + 30_000} ssh2: ED25519 SHA256:kTq0"
    )
    yield _sshd(host, pid, f"pam_unix(sshd:session): session opened for user {name} by (uid=0)")


def _station(random: Random) -> Line:
    mac = ":".join(f"{random.randrange(256):02x}" for _ in range(6))
    what = random.choice(("associated", "disassociated", "authenticated"))
    return Line(random.choice(ACCESS_POINTS), DAEMON, INFO, "hostapd", 0, f"ath1: STA {mac} IEEE 802.11: {what}")


def _sshd(host: str, pid: int, text: str) -> Line:
    return Line(host, AUTH, INFO, "sshd", pid, text)


def records(workload: Workload, clock: Callable[[], float]) -> Iterator[DemoRecord]:
    """Yield lines as records; `clock` returns seconds since the epoch."""
    for line in lines(Random(workload.seed)):
        now = datetime.fromtimestamp(clock()).astimezone()
        yield DemoRecord("syslog", line.encode(now), int(now.timestamp() * 1000))


GENERATOR = Generator("syslog", "lines", __doc__, rate=5.0, records=lambda workload, _: records(workload, time.time))


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Send lines until done, SIGTERM or SIGINT; returns the exit codes of `program.main`."""
    workload = program.parse_workload(GENERATOR, arguments)

    def send(values: Settings, wait: Wait) -> None:
        sender = wait_until_ready(lambda: syslog.from_settings(values), wait, program.log)
        if sender is not None:
            with closing(sender):
                sending = Sender(GENERATOR.records(workload, values), sender, clock=time.monotonic, what=GENERATOR.what)
                sending.run(workload.rate, workload.count, wait)

    return program.run(send, values)


if __name__ == "__main__":
    sys.exit(main())
