"""Radio frames and capture files, syslog lines in the pipeline's statements, and what people write to the bot."""

from __future__ import annotations

import io
import json
import random
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.mutation import damaged, damaged_text, damaged_value
from benchmarks.fuzz.trial import Fuzzer
from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.clients.ksqldb_query import QueryClient
from bifrost.clients.telegram import text_message
from bifrost.engine.testing.driver import Driver
from bifrost.generators.syslog import lines
from bifrost.settings import PROJECT
from capture.frames import CapturedFrame, LinkType, map_frame
from capture.sources import read_file
from capture.vendors import vendors
from services.wifi_bot.alert_list import AlertList
from services.wifi_bot.dialogue import Dialogue
from services.wifi_bot.probe_lookup import ProbeLookup
from tests.fakes.http_server import running
from tests.fakes.wifi_ksql import FakeWifiKsql

_RADIOTAP = struct.pack("<BBHIBBHHb", 0, 0, 15, 0b101110, 0, 4, 2437, 0x00A0, -60)
_PROBE = (
    bytes.fromhex("40000000ffffffffffffa483e74e3915ffffffffffff1000") + b"\0\4RNM0" + bytes.fromhex("dd060017f20a0001")
)
FRAMES = (
    _RADIOTAP + _PROBE,
    _PROBE,
    _RADIOTAP
    + bytes.fromhex("80000000ffffffffffff24a43c00000124a43c0000010000")
    + b"\0" * 12
    + b"\0\4home\7\3GB \1\1\x82",
    _RADIOTAP + bytes.fromhex("b4000000a483e74e391524a43c000001"),
    _RADIOTAP + bytes.fromhex("08430000a483e74e391524a43c000001a483e74e39160000ffffffffffff") + b"data",
)
MESSAGES = (
    "/start",
    "/watch RNM0 home network",
    '/watch "Guest Wi-Fi" x',
    "/unwatch RNM0",
    "/list@wifi_bot",
    "a4:83:e7:4e:39:15",
)


@contextmanager
def frames() -> Iterator[Fuzzer]:
    """Damaged frames and capture files: records with readable text, skipped frames, or an error that names the file."""
    known = vendors()
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "fuzz.pcap"

        def make(rng: random.Random) -> Input:
            data = damaged(rng, rng.choice(FRAMES))
            if rng.random() < 0.8:
                time_us, length = rng.choice((0, 2**62, 1_587_225_867_123_456)), rng.choice((len(data), 2**32))
                return Input("frame", [time_us, data, length, rng.choice(("RADIOTAP", "IEEE802_11"))])
            return Input("capture file", damaged(rng, _file(rng, data)))

        def feed(found: Input) -> None:
            if found.target == "frame":
                time_us, data, length, link = found.given
                json.dumps(map_frame(CapturedFrame(time_us, data, length, LinkType[link]), known).record).encode()
            else:
                _read_file(path, found.given)

        yield Fuzzer(make, feed)


def _file(rng: random.Random, data: bytes) -> bytes:
    packets = (data, *FRAMES)
    if rng.random() < 0.5:
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 127)
        return head + b"".join(struct.pack("<IIII", 1, 2, len(packet), len(packet)) + packet for packet in packets)
    head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 127, 0, 65_535, 20)
    return head + interface + b"".join(map(_packet_block, packets))


def _packet_block(packet: bytes) -> bytes:
    padded = packet + b"\0" * (-len(packet) % 4)
    size = 32 + len(padded)
    return struct.pack("<IIIIIII", 6, size, 0, 1, 2, len(packet), len(packet)) + padded + struct.pack("<I", size)


def _read_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for frame in read_file(path):
        map_frame(frame, vendors())


@contextmanager
def syslog() -> Iterator[Fuzzer]:
    """Lines as the syslog source writes them, damaged, through the statements of the pipeline."""
    driver = Driver()
    folder = PROJECT / "topics" / "schemas"
    registry = driver.environment.registry
    for subject in ("syslog-key", "syslog-value", "unifi.ace.device-value", "unifi.ace.user-value"):
        registry.register(subject, "AVRO", (folder / f"{subject}.avsc").read_text(encoding="utf-8"))
    for pipeline in ("wifi", "syslog"):
        driver.run((PROJECT / "ksql" / f"{pipeline}.sql").read_text(encoding="utf-8"))
    newest = registry.latest("syslog-value")
    assert newest is not None
    schema = fastavro.parse_schema(json.loads(newest.text))
    head = b"\0" + newest.id.to_bytes(4, "big")
    samples = [line.text for line in islice(lines(random.Random(1)), 200)]

    def make(rng: random.Random) -> Input:
        text = damaged_text(rng, rng.choice(samples)).encode("utf-8", "replace").decode()
        return Input("syslog", [text, rng.choice((0, -1, 38, 2**31 - 1))])

    yield Fuzzer(make, lambda found: _take_line(driver, head + _row(schema, *found.given)))


def _row(schema: Any, text: str, number: int) -> bytes:
    row: dict[str, Any] = {}
    for field in schema["fields"]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        row[field["name"]] = {"string": text, "int": number, "long": 2**40}.get(kinds[-1])
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, row)
    return out.getvalue()


def _take_line(driver: Driver, value: bytes) -> None:
    driver.produce("syslog", None, value, 1_700_000_000_000)
    for query in driver.queries.values():
        query.problems.clear()
    for topic in driver.environment.topics.values():
        del topic.records[:-1]


@contextmanager
def bot() -> Iterator[Fuzzer]:
    """Telegram updates and messages of people: an answer, or nothing for updates that hold no text."""
    ksql = FakeWifiKsql(devices={"RNM0": [1, "a", "b", 1, ["x"]]})
    with ExitStack() as stack:
        server = stack.enter_context(running(ksql.server()))
        connection = Connection("ksqlDB", server.url, patience_s=0)
        queries = stack.enter_context(closing(QueryClient(connection)))
        statements = stack.enter_context(KsqlClient(connection))
        dialogue = Dialogue(ProbeLookup(queries), AlertList(statements, ksql), "wifi_bot")

        def make(rng: random.Random) -> Input:
            text = damaged_text(rng, rng.choice(MESSAGES))
            update = {"update_id": 1, "message": {"chat": {"id": 1}, "text": text, "entities": [{}]}}
            return Input("bot", damaged_value(rng, update) if rng.random() < 0.3 else update)

        yield Fuzzer(make, lambda found: _answer(dialogue, found.given))


def _answer(dialogue: Dialogue, update: object) -> None:
    message = text_message(update)
    if message is not None:
        (dialogue.reply(message.text) or "").encode()
