"""Capture files and other files; replay of frames when they are due."""

import itertools
import socket
import struct
import threading

import pytest

from bifrost.errors import SettingError
from bifrost.generators.wifi_frames import FrameGenerator, write_pcap
from capture.frames import CapturedFrame, LinkType
from capture.program import captured
from capture.replay import Tempo, replay
from capture.sources import listen, read_file


def written(path, count=50):
    write_pcap(path, FrameGenerator(1, start_s=1_587_225_867).frames(), count)
    return path


def test_a_pcap_file(tmp_path):
    frames = list(read_file(written(tmp_path / "a.pcap")))
    assert len(frames) == 50
    assert 1_587_225_867_000_000 <= frames[0].time_us < frames[-1].time_us < 1_587_225_890_000_000


def test_a_pcapng_file_holds_the_same_frames(tmp_path):
    frames = list(read_file(written(tmp_path / "a.pcap")))
    path = tmp_path / "a.pcapng"
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 127, 0, 0))
    path.write_bytes(section + interface + b"".join(packet(frame) for frame in frames))
    assert list(read_file(path)) == frames


def packet(frame):
    size, time_us = len(frame.data), frame.time_us
    head = struct.pack("<IIIII", 0, time_us >> 32, time_us & 0xFFFFFFFF, size, size)
    return block(6, head + frame.data + bytes(-size % 4))


def block(kind, body):
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def test_a_file_that_ends_within_a_frame(tmp_path):
    path = written(tmp_path / "a.pcap")
    path.write_bytes(path.read_bytes()[:-3])
    assert 49 <= len(list(read_file(path))) <= 50


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"no capture at all, only text", "neither a pcap nor a pcapng"),
        (bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"), "link type 1"),
    ],
)
def test_a_file_without_wifi_frames_is_refused(tmp_path, content, problem):
    path = tmp_path / "x.pcap"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=problem):
        list(read_file(path))


def test_an_interface_must_be_in_monitor_mode(tmp_path):
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "type").write_text("1\n")
    with pytest.raises(SettingError, match="not in monitor mode"):
        next(listen("eth0", lambda: False, folder=tmp_path))
    with pytest.raises(OSError, match="No such file"):
        next(listen("wlan9", lambda: False, folder=tmp_path))


@pytest.mark.filterwarnings("ignore:Unable to guess type")  # scapy's, of the loopback
def test_an_interface_gives_the_frames_that_pass_it(tmp_path):
    (tmp_path / "lo").mkdir()
    (tmp_path / "lo" / "type").write_text("803\n")
    seen = threading.Event()
    sender = threading.Thread(target=send_until, args=(seen, b"what passes by"))
    sender.start()
    frames = listen("lo", lambda: False, folder=tmp_path)
    try:
        frame = next(frame for frame in frames if b"what passes by" in frame.data)
    except SettingError as error:
        pytest.skip(str(error))
    finally:
        seen.set()
        sender.join()
        frames.close()
    assert frame.link is LinkType.RADIOTAP
    assert frame.length == len(frame.data)


def send_until(seen, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while not seen.wait(0.02):
            sender.sendto(data, ("127.0.0.1", 9))


class Stop(threading.Event):
    """Says how long it was waited for, and ends after so many waits."""

    def __init__(self, waits):
        super().__init__()
        self.waited, self._left = [], waits

    def wait(self, timeout=None):
        self.waited.append(timeout)
        if len(self.waited) == self._left:
            self.set()
        return self.is_set()


def test_a_lost_interface_is_retried_with_growing_delays(caplog):
    lives = iter([0, 0, 1, 0, 0, 0, 0, 0])
    now = [0.0]

    def receive(interface, stopped):
        yield from RECORDED[: next(lives)]
        raise OSError(100, "Network is down")

    stop = Stop(8)
    frames = list(captured("mon0", stop, receive=receive, clock=lambda: now[0]))

    assert frames == RECORDED[:1]
    assert stop.waited == [1, 2, 4, 8, 16, 30, 30, 30]
    assert caplog.messages[0] == "mon0: Network is down; retrying in 1 s"


def test_an_interface_that_worked_for_a_minute_is_retried_without_growing_delays():
    times = iter([0.0, 1.0, 1.0, 100.0, 100.0, 101.0])

    def receive(interface, stopped):
        raise OSError(100, "Network is down")

    stop = Stop(3)
    assert list(captured("mon0", stop, receive=receive, clock=lambda: next(times))) == []
    assert stop.waited == [1, 1, 2]


class Time:
    """A clock that only waiting moves."""

    def __init__(self):
        self.now = 1000.0

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return False


RECORDED = [CapturedFrame(time_us, b"", 0) for time_us in (5_000_000, 6_000_000, 9_000_000)]


@pytest.mark.parametrize(
    ("tempo", "times"),
    [
        (Tempo(), [1000, 1001, 1004]),
        (Tempo(speed=2), [1000, 1000.5, 1002]),
        (Tempo(speed=0), [1000, 1000, 1000]),
        (Tempo(rate=10), [1000, 1000.1, 1000.2]),
        (Tempo(rate=10, count=2), [1000, 1000.1]),
        (Tempo(loop=True, count=5), [1000, 1001, 1004, 1004, 1005]),
        (Tempo(rate=1, loop=True, count=4), [1000, 1001, 1002, 1003]),
    ],
)
def test_frames_come_when_they_are_due(tempo, times):
    time = Time()
    came = [time.now for _ in replay(lambda: RECORDED, tempo, time.clock, time.wait, calendar=time.clock)]
    assert came == pytest.approx(times)


def test_a_replay_as_if_it_were_now():
    time = Time()
    frames = replay(lambda: RECORDED, Tempo(now=True), time.clock, time.wait, calendar=time.clock)
    assert [frame.time_us for frame in frames] == [1_000_000_000, 1_001_000_000, 1_004_000_000]


def test_a_clock_that_is_set_back_does_not_delay_a_replay():
    time, calendar = Time(), iter((5000.0, 1400.0, 1403.0))
    tempo = Tempo(now=True)
    frames = replay(lambda: RECORDED, tempo, time.clock, time.wait, calendar=lambda: next(calendar))
    came = [(time.now, frame.time_us // 1_000_000) for frame in frames]
    assert came == [(1000, 5000), (1001, 1400), (1004, 1403)]


def test_a_replay_ends_when_asked_to_stop():
    frames = replay(lambda: RECORDED, Tempo(loop=True), Time().clock, lambda _: True, calendar=Time().clock)
    assert len(list(itertools.islice(frames, 10))) == 1


def test_an_empty_file_is_not_looped_endlessly():
    with pytest.raises(SettingError, match="without frames"):
        list(replay(list, Tempo(loop=True), Time().clock, Time().wait, calendar=Time().clock))
