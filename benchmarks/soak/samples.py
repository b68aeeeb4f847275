"""Samples of a running platform: processes, disk and lag by part."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from benchmarks.own_platform import OwnPlatform
from benchmarks.process_usage import Usage, usage_of


@dataclass(frozen=True, slots=True)
class Sample:
    """One value: seconds since the start of the run, the part, the measure and its value."""

    at_s: float
    part: str
    measure: str
    value: float


class Sampler:
    """Takes samples of a platform, and appends each to a file as a line of JSON."""

    def __init__(self, platform: OwnPlatform, file: TextIO) -> None:
        self._platform, self._file = platform, file
        self._begin = time.monotonic()
        self._before: dict[str, tuple[float, Usage]] = {}
        self.samples: list[Sample] = []

    def processes(self) -> None:
        """Memory, threads, open files and cores in use of each component."""
        now = self._now()
        for component in self._platform.supervisor.status():
            if component.pid is None:
                continue
            usage = usage_of(component.pid)
            self._add(now, component.name, resident=usage.resident, threads=usage.threads, open_files=usage.open_files)
            at_s, before = self._before.get(component.name, (now, usage))
            if now > at_s and usage.cpu_s >= before.cpu_s:
                self._add(now, component.name, cpu=(usage.cpu_s - before.cpu_s) / (now - at_s))
            self._before[component.name] = now, usage
            self._add(now, component.name, restarts=component.restarts)

    def disk(self) -> None:
        """Bytes of each folder of data, and of all logs."""
        settings = self._platform.settings
        for folder in (*sorted(path for path in settings.data.iterdir() if path.is_dir()), settings.logs):
            self._add(self._now(), folder.name, disk=size_of(folder))

    def lag(self) -> None:
        """Unread records of each consumer group, as the command `lag` reports them."""
        for group, lag in lags_of(self._platform.run("lag", "--json").stdout):
            self._add(self._now(), group, lag=lag)

    def _now(self) -> float:
        return time.monotonic() - self._begin

    def _add(self, at_s: float, part: str, **values: float) -> None:
        for measure, value in values.items():
            sample = Sample(round(at_s, 1), part, measure, float(value))
            self.samples.append(sample)
            print(json.dumps(asdict(sample)), file=self._file, flush=True)


def lags_of(output: str) -> Iterator[tuple[str, int]]:
    """The groups and their lags in the output of `lag --json`; none where it could not read them."""
    with suppress(ValueError):
        yield from ((str(group["group"]), int(group["lag"])) for group in json.loads(output)["groups"])


def size_of(folder: Path) -> int:
    """The bytes that the files below a folder occupy on the disk."""
    return sum(_blocks(Path(path) / name) for path, _, names in os.walk(folder) for name in names)


def _blocks(file: Path) -> int:
    try:
        return file.lstat().st_blocks * 512
    except OSError:
        return 0  # deleted meanwhile


def read_samples(file: Path) -> Iterator[Sample]:
    """The samples of a run."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield Sample(**json.loads(line))
