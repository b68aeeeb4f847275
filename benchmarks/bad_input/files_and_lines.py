"""Bad CSV files, syslog lines and radio frames."""

from __future__ import annotations

import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.bad_input.databases import settle_marks
from benchmarks.bad_input.ledger import Ledger
from benchmarks.bad_input.topic_tail import TopicTail
from benchmarks.fuzz.mutation import damaged
from benchmarks.fuzz.network import FRAMES
from bifrost.settings import PROJECT, Settings

HEADER = b"order_id,customer_id,order_ts,product,order_total_usd\n"
ROW = b"1,2,2020-01-01T00:00:00Z,bread,1.50\n"
CSV_FILES: Mapping[str, Callable[[random.Random], bytes]] = {
    "header name twice": lambda rng: b"order_id,order_id,order_ts,product,order_total_usd\n" + ROW,
    "empty header name": lambda rng: b"order_id,,order_ts,product,order_total_usd,\n" + ROW,
    "unknown header": lambda rng: b"a,b\n1,2\n",
    "wrong numbers": lambda rng: HEADER + b"x,y,z,,\n",
    "wrong column counts": lambda rng: HEADER + b"1,2\n" + ROW + b"1,2,3,4,5,6,7,8\n",
    "binary": lambda rng: rng.randbytes(3000),
    "empty": lambda rng: b"",
    "header only": lambda rng: HEADER,
    "unclosed quote": lambda rng: HEADER + b'1,2,"2020,bread,1\n' + ROW * 3,
    "not UTF-8": lambda rng: HEADER + b"1,2,2020,\xff\xfe\xed\xa0\x80,1\n",
    "NUL bytes": lambda rng: HEADER + b"1,\0,2020,bread\0,1\n",
    "byte order mark": lambda rng: b"\xef\xbb\xbf" + HEADER + ROW,
    "UTF-16": lambda rng: (HEADER + ROW).decode().encode("utf-16"),
    "number beyond 64 bits": lambda rng: HEADER + b"9" * 30 + b",2,2020,bread,1\n",
    "long line": lambda rng: HEADER + b"1,2,2020," + b"x" * 200_000 + b",1\n",
    "damaged": lambda rng: damaged(rng, HEADER + ROW * 5),
}
FRAMES_PER_ROUND = 40
_TOTALS = re.compile(r"total (\d+) frames, (\d+) malformed, (\d+) records sent(, \d+ not delivered)?")


class CsvFiles:
    """Files in the folder of orders: each ends in `finished`, or in `error` with a log beside it."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._folder, self._ledger = settings.orders, ledger

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Drop four files."""
        for kind in rng.sample(sorted(CSV_FILES), 4):
            name = f"orders-bad-{uuid.uuid4().hex[:12]}.csv"
            written = self._folder / name
            written.write_bytes(CSV_FILES[kind](rng))
            written.rename(self._folder / "source" / name)
            self._ledger.expect(f"CSV: {kind}", name, name)

    def collect(self) -> None:
        """Settle the files that were moved."""
        for mark in self._ledger.awaited():
            if not isinstance(mark, str):
                continue
            if (self._folder / "finished" / mark).exists():
                self._ledger.settle(mark, "finished")
            elif (self._folder / "error" / f"{mark}.log").exists() and (self._folder / "error" / mark).exists():
                self._ledger.settle(mark, "error.path with a log")

    def close(self) -> None:
        """Remove the files of this program."""
        for part in ("source", "finished", "error"):
            for path in (self._folder / part).glob("orders-bad-*"):
                path.unlink()


class SyslogLines:
    """Lines over TCP and UDP: each is kept as a record, whatever is wrong with it."""

    def __init__(self, settings: Settings, kafka: str, ledger: Ledger) -> None:
        self._address, self._ledger = ("127.0.0.1", settings.port("syslog")), ledger
        self._tail = TopicTail(kafka, ["syslog"])

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Send a line of each kind over each protocol; a TCP connection is closed after its line."""
        for kind, (head, tail) in _lines(rng).items():
            for protocol, send in (("TCP", self._send_tcp), ("UDP", self._send_udp)):
                mark = uuid.uuid4().hex[:16].encode()
                line = head + mark + tail
                if protocol == "UDP" and len(line) > 60_000:
                    continue
                send(line)
                self._ledger.expect(f"syslog over {protocol}: {kind}", mark, repr(line[:80]))

    def _send_tcp(self, line: bytes) -> None:
        with socket.create_connection(self._address, timeout=10) as connection:
            connection.sendall(line)

    def _send_udp(self, line: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(line, self._address)

    def collect(self) -> None:
        """Settle the lines that arrived in the topic."""
        settle_marks(self._tail, self._ledger)

    def close(self) -> None:
        """Close the consumer."""
        self._tail.close()


def _lines(rng: random.Random) -> dict[str, tuple[bytes, bytes]]:
    """What precedes and follows the mark, by kind."""
    return {
        "NUL bytes": (b"<34>Oct 11 22:14:15 host su: \0\0", b"\0 end\0\n"),
        "invalid UTF-8": (b"<34>Oct 11 22:14:15 h\xff\xfe su: ", b" \xed\xa0\x80\xc0\x80\n"),
        "giant": (b"<34>Oct 11 22:14:15 host su: ", b" " + b"x" * 200_000 + b"\n"),
        "octet count too large": (b"99999 <34>1 - - - - - - ", b""),
        "octet count too small": (b"3 <34>1 - - - - - - ", b"\n"),
        "octet count of 30 digits": (b"9" * 30 + b" <34>1 - - - - - - ", b"\n"),
        "negative octet count": (b"-5 <34>1 - - - - - - ", b"\n"),
        "no priority": (b"hello ", b"\n"),
        "priority out of range": (b"<99999>Oct 11 22:14:15 host su: ", b"\n"),
        "open priority": (b"<34", b"\n"),
        "impossible date": (b"<34>Feb 31 25:61:61 host su: ", b"\n"),
        "broken structured data": (b'<34>1 2003-10-11T22:14:15.003Z h a - - [x y="\\]" ', b"\n"),
        "date in 5424 form": (b"<34>1 9999-99-99T99:99:99Z h a - - - ", b"\n"),
        "no line feed": (b"<34>Oct 11 22:14:15 host su: ", b""),
        "random bytes": (rng.randbytes(20).replace(b"\n", b"").lstrip(b"0123456789"), b" \x80\n"),
        "control characters": (b"<34>Oct 11 22:14:15 host su: \x1b[31m\x07\x08", b"\r\n"),
    }


class Frames:
    """Damaged frames in a capture file, replayed by the capture: it counts each as sent or malformed."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger

    def start(self) -> None:
        """Nothing to prepare."""

    def send(self, rng: random.Random) -> None:
        """Replay a file of damaged frames, whose last one is cut."""
        packets = [damaged(rng, rng.choice(FRAMES))[:60_000] for _ in range(FRAMES_PER_ROUND)]
        content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 127)
        for packet in packets:
            seconds = rng.choice((0, 1_600_000_000, 4_102_444_800))
            content += struct.pack("<IIII", seconds, 2, len(packet), len(packet)) + packet
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            Path(file.name).write_bytes(content + struct.pack("<IIII", 1, 2, 500, 500) + b"cut")
            command = (sys.executable, "-m", "capture", "--replay", file.name, "--speed", "0")
            done = subprocess.run(
                command, cwd=PROJECT, env=dict(self._settings.values), capture_output=True, text=True, timeout=120
            )
        self._count(done)

    def _count(self, done: subprocess.CompletedProcess[str]) -> None:
        kind = "frames: damaged"
        totals = _TOTALS.findall(done.stderr)
        if done.returncode or not totals or totals[-1][3]:
            self._ledger.wrong(kind, f"the capture ended with {done.returncode}: {done.stderr[-300:]}")
            return
        read, sent = int(totals[-1][0]), int(totals[-1][2])
        for number in range(FRAMES_PER_ROUND):
            if number >= read:
                self._ledger.wrong(kind, f"{FRAMES_PER_ROUND} frames, of which {read} were read")
            elif number < sent:
                self._ledger.settled(kind, "sent as a record")
            else:
                self._ledger.settled(kind, "counted as malformed")

    def collect(self) -> None:
        """Everything is settled when it is sent."""

    def close(self) -> None:
        """Nothing is open."""
