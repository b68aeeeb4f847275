"""Sends Wi-Fi frames to Kafka: what an interface in monitor mode receives, or what a capture file holds."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bifrost import settings
from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients import kafka
from bifrost.clients.readiness import require_topics, wait_until_ready
from bifrost.errors import EX_CONFIG, BifrostError, SettingError
from bifrost.metrics.endpoint import serve_metrics
from bifrost.program_log import set_up_logging
from bifrost.settings import PROJECT, Settings
from capture.frames import CapturedFrame
from capture.publisher import TOPIC, Publisher
from capture.replay import Tempo, replay
from capture.sources import listen, read_file
from capture.vendors import vendors

DEMO_FILE = PROJECT / "data" / "wifi" / "house.pcap"

BACKOFF = Backoff(first_s=1.0)
_log = logging.getLogger("capture")


def main(arguments: Sequence[str] | None = None, values: Settings | None = None) -> int:
    """Capture or replay until done, SIGTERM or SIGINT; return 1 on failure, 78 for a wrong setting.

    Args:
        values: settings to use instead of the environment's.
    """
    given = _arguments(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        values = values or settings.load()
        set_up_logging("capture", values)
        serve_metrics(values)
        found = values
        if wait_until_ready(lambda: _require_topic(found), stop.wait, _log):
            _publish(_frames(given, stop), values)
    except BifrostError as error:
        _log.error("stopped: %s", error)
        return EX_CONFIG if isinstance(error, SettingError) else 1
    return 0


def demo(arguments: Sequence[str], values: Settings) -> int:
    """Replay the demo file of `data/wifi` in a loop with current times; accepts `--rate` and `--count`."""
    return main(["--replay", str(DEMO_FILE), "--loop", "--now", *arguments], values)


def captured(
    interface: str,
    stop: threading.Event,
    *,
    receive: Callable[[str, Callable[[], bool]], Iterator[CapturedFrame]] = listen,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[CapturedFrame]:
    """Yield the frames of an interface until `stop`; if it fails, retry with increasing delays.

    Raises:
        SettingError: it is not in monitor mode, or listening is not permitted.
    """
    delays = RetryDelays(BACKOFF)
    while not stop.is_set():
        began = clock()
        try:
            yield from receive(interface, stop.is_set)
        except OSError as error:
            # It worked for a while, so this is a new failure.
            if clock() - began > BACKOFF.steady_s:
                delays.reset()
            pause_s = delays.next_s()
            _log.warning("%s: %s; retrying in %.0f s", interface, error.strerror or error, pause_s)
            stop.wait(pause_s)


def _publish(frames: Iterator[CapturedFrame], values: Settings) -> None:
    publisher = Publisher(vendors(), clock=time.monotonic)
    producer = kafka.producer(values.kafka_client(), delivered=publisher.delivered, linger_ms=5, compression_type="lz4")
    try:
        publisher.run(frames, producer)
    finally:
        publisher.finish(producer)


def _frames(given: argparse.Namespace, stop: threading.Event) -> Iterator[CapturedFrame]:
    if given.interface:
        return captured(given.interface, stop)
    tempo = Tempo(given.rate, given.speed, given.count, given.loop, given.now)
    return replay(partial(read_file, given.replay), tempo, time.monotonic, stop.wait, calendar=time.time)


def _require_topic(values: Settings) -> bool:
    require_topics(values, {TOPIC})
    return True


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m capture", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--interface", metavar="NAME", help="listen on this interface in monitor mode")
    source.add_argument("--replay", type=Path, metavar="FILE", help="replay this pcap or pcapng file")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="replay speed as a factor (default 1); 0: as fast as possible"
    )
    parser.add_argument("--rate", type=float, default=0.0, help="frames per second, instead of the recorded times")
    parser.add_argument("--count", type=int, default=0, help="how many frames (default: all)")
    parser.add_argument("--loop", action="store_true", help="restart the file when it ends")
    parser.add_argument("--now", action="store_true", help="use the time of the replay as the frames' time")
    given = parser.parse_args(arguments)
    if not all(0 <= value < float("inf") for value in (given.speed, given.rate, given.count)):
        parser.error("--speed, --rate and --count must be finite numbers of 0 or above")
    return given
