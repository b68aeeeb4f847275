"""Reads frames from a monitor-mode interface, or from a pcap or pcapng file, with scapy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader, RawPcapReader

from bifrost.errors import SettingError
from capture.frames import CapturedFrame, LinkType

STOP_CHECK_INTERVAL_S = 0.5
"""How often a silent interface checks whether to stop."""

_INTERFACES = Path("/sys/class/net")
_MONITOR_TYPES = {801: LinkType.IEEE802_11, 803: LinkType.RADIOTAP}
"""Link types by the kernel's numbers (ARPHRD) of monitor-mode interfaces."""


def read_file(path: Path) -> Iterator[CapturedFrame]:
    """Yield the frames of a file; a truncated last frame is skipped.

    Raises:
        SettingError: it cannot be read, is not a capture file, or contains no 802.11 frames.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise SettingError("--replay", f"{path}: {error.strerror or error}") from error
    with file:
        try:
            reader = RawPcapReader(cast("Any", file))  # given a path, scapy would not close an invalid file
        except Scapy_Exception as error:
            raise SettingError("--replay", f"{path} is neither a pcap nor a pcapng file ({error})") from error
        if isinstance(reader, RawPcapNgReader):
            yield from _frames_of_pcapng(path, reader)
        else:
            yield from _frames_of_pcap(path, reader)


def _frames_of_pcap(path: Path, reader: RawPcapReader) -> Iterator[CapturedFrame]:
    link = _link_type(path, reader.linktype)
    divisor = 1000 if reader.nano else 1
    for data, about in reader:
        yield CapturedFrame(about.sec * 1_000_000 + about.usec // divisor, data, about.wirelen, link)


def _frames_of_pcapng(path: Path, reader: RawPcapNgReader) -> Iterator[CapturedFrame]:
    # Each interface in the file has its own link type and clock resolution.
    for data, about in cast("Iterable[tuple[bytes, Any]]", reader):
        ticks = ((about.tshigh or 0) << 32) + (about.tslow or 0)
        time_us = ticks * 1_000_000 // int(about.tsresol)
        yield CapturedFrame(time_us, data, about.wirelen, _link_type(path, about.linktype))


def _link_type(path: Path, number: int) -> LinkType:
    try:
        return LinkType(number)
    except ValueError:
        problem = f"contains frames of link type {number}; supported are 802.11 with radiotap (127) and without (105)"
        raise SettingError("--replay", f"{path} {problem}") from None


def listen(interface: str, stopped: Callable[[], bool], *, folder: Path = _INTERFACES) -> Iterator[CapturedFrame]:
    """Yield the frames that an interface receives, until `stopped`.

    Raises:
        SettingError: it is not in monitor mode, or listening is not permitted.
        OSError: it does not exist, or was removed.
    """
    link = _link_of_interface(interface, folder)
    from scapy.arch import L2ListenSocket  # import late: it is slow, and inspects all interfaces

    try:
        socket = L2ListenSocket(iface=interface)
    except PermissionError as error:
        raise SettingError("--interface", f"{interface}: listening requires root or the capability net_raw") from error
    try:
        while not stopped():
            if not socket.select([socket], STOP_CHECK_INTERVAL_S):
                continue
            _, data, at_s = socket.recv_raw()
            if data:
                time_us = int(float(at_s or time.time()) * 1_000_000)
                yield CapturedFrame(time_us, data, len(data), link)
    finally:
        socket.close()


def _link_of_interface(interface: str, folder: Path) -> LinkType:
    number = int((folder / interface / "type").read_text())
    link = _MONITOR_TYPES.get(number)
    if link is None:
        problem = f"is not in monitor mode; for example `iw dev {interface} interface add mon0 type monitor`"
        raise SettingError("--interface", f"{interface}: {problem}")
    return link
