"""Records that are sent, and the log lines about them."""

import json
import logging

from bifrost.generators.wifi_frames import FrameGenerator
from capture.frames import CapturedFrame
from capture.publisher import Publisher
from capture.vendors import Vendors


class Kafka:
    """A producer that is full at times."""

    def __init__(self):
        self.values = []
        self.fills_up = False
        self.is_full = False

    def produce(self, topic, value):
        assert topic == "pcap"
        if self.is_full:
            raise BufferError
        self.values.append(json.loads(value))
        self.is_full = self.fills_up

    def poll(self, timeout):
        self.is_full = False
        return 0

    def flush(self, timeout):
        return 0


def frames(count):
    source = FrameGenerator(3, start_s=1_587_225_867).frames()
    for _ in range(count):
        at, data = next(source)
        yield CapturedFrame(int(at * 1e6), data, len(data))


def test_every_frame_is_counted_and_readable_ones_are_sent():
    kafka = Kafka()
    publisher = Publisher(Vendors({}), clock=lambda: 0.0)
    publisher.run(frames(1000), kafka)
    assert publisher.frames == 1000
    assert 0 < publisher.malformed < 100
    assert publisher.sent == len(kafka.values) > 950
    assert all(isinstance(value["timestamp"], str) for value in kafka.values)


def test_a_full_queue_is_waited_for():
    kafka = Kafka()
    kafka.fills_up = True
    publisher = Publisher(Vendors({}), clock=lambda: 0.0)
    publisher.run(frames(50), kafka)
    assert publisher.sent == len(kafka.values)


def test_progress_is_logged_every_ten_seconds(caplog):
    caplog.set_level(logging.INFO)
    times = iter([0.0] + [tick * 0.5 for tick in range(1, 100)])
    publisher = Publisher(Vendors({}), clock=lambda: next(times))
    publisher.run(frames(41), Kafka())
    rates = [record.message for record in caplog.records]
    assert len(rates) == 2
    assert rates[0].startswith("20 frames in 10.0 s (2.0/s); total 20 frames, ")


def test_an_undelivered_record_is_logged_once_and_counted(caplog):
    publisher = Publisher(Vendors({}), clock=lambda: 0.0)
    for error in ("no broker", "no broker", None):
        publisher.delivered(error, None)
    assert publisher.lost == 2
    assert caplog.text.count("no broker") == 1
