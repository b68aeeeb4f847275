"""What the report runs, in which order, and the aims that its figures are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Needs(StrEnum):
    """What a program needs to run."""

    NOTHING = "nothing"
    PLATFORM = "a running platform"
    OWN_PLATFORM = "its own platform"


@dataclass(frozen=True, slots=True)
class Aim:
    """A limit for a figure in a program's output.

    Attributes:
        pattern: its first group is the figure; every match is held against the limit.
        is_most: whether the limit is the largest value that meets it; otherwise the smallest.
    """

    what: str
    pattern: str
    limit: float
    unit: str
    is_most: bool = True

    def figures(self, output: str) -> list[float]:
        """All values in an output."""
        return [float(found.replace(",", "")) for found in re.findall(self.pattern, output, re.MULTILINE)]

    def worst(self, output: str) -> float | None:
        """The value farthest from the aim; `None` if the output has none."""
        return (max if self.is_most else min)(self.figures(output), default=None)

    def is_met(self, figure: float) -> bool:
        """Whether a figure meets the aim."""
        return figure <= self.limit if self.is_most else figure >= self.limit


@dataclass(frozen=True, slots=True)
class Entry:
    """One program of the report."""

    title: str
    command: tuple[str, ...]
    needs: Needs
    minutes: float
    aims: tuple[Aim, ...] = ()

    @property
    def name(self) -> str:
        """The name by which `--only` and `--skip` know it."""
        return self.command[0]

    @property
    def text(self) -> str:
        """The command as a person types it."""
        return " ".join(("python -m", f"benchmarks.{self.command[0]}", *self.command[1:]))


def _latency(rate: int, *more: str) -> Entry:
    return Entry(
        f"From a rating to Slack, {rate:,} a second",
        ("alert_latency", "--rate", str(rate), "--seconds", "20", *more),
        Needs.PLATFORM,
        2,
        (Aim("99 of 100 alerts within", r"p99 (\d+) ms", 250, "ms"),),
    )


_RATIO = r"(\d+\.\d+) \(\d+\.\d+\)"
_CPU_RATIO = r"\d+\.\d+ \((\d+\.\d+)\)"

ENTRIES: tuple[Entry, ...] = (
    Entry("Formats", ("serde",), Needs.NOTHING, 2),
    Entry("Record functions", ("record_functions",), Needs.NOTHING, 2),
    Entry("Capture of Wi-Fi frames, beside scapy and tshark", ("wifi_capture",), Needs.NOTHING, 2),
    Entry("Look-ups in large tables", ("state_lookups",), Needs.NOTHING, 10),
    Entry(
        "The idle platform",
        ("idle_cost", "--settle", "900", "--seconds", "60"),
        Needs.PLATFORM,
        17,
        (Aim("all parts together", r"^all +([\d.]+) % of a core", 30, "% of a core"),),
    ),
    Entry(
        "Latency of the engine",
        ("engine_latency",),
        Needs.PLATFORM,
        3,
        (
            Aim("record to result, median", r"through the engine: \d+, p50 ([\d.]+) ms", 5, "ms"),
            Aim("record to result, 99 of 100", r"through the engine: .* p99 ([\d.]+) ms", 25, "ms"),
            Aim("pull by key, median", r"pull query.*: \d+, p50 ([\d.]+) ms", 2, "ms"),
            Aim("pull by key, 99 of 100", r"pull query.* p99 ([\d.]+) ms", 10, "ms"),
        ),
    ),
    _latency(100),
    _latency(1000, "--share", "0.1"),
    _latency(1000, "--alone"),
    Entry("From a row of a database to a join", ("cdc_latency",), Needs.PLATFORM, 2),
    Entry("From a frame to Telegram", ("wifi_alert_latency",), Needs.PLATFORM, 2),
    Entry(
        "Throughput beside Kafka Streams and quix-streams",
        ("throughput", "--rows", "1000000", "--customers", "1000", "--rounds", "5", "--parallel", "1", "2"),
        Needs.PLATFORM,
        60,
        (
            Aim("rows, as a ratio to the peer's", _RATIO, 1.0, "", is_most=False),
            Aim("rows per CPU second, as a ratio to the peer's", _CPU_RATIO, 1.5, "", is_most=False),
        ),
    ),
    Entry("Many queries over one topic", ("many_queries",), Needs.PLATFORM, 10),
    Entry("Large tables", ("big_state", "--customers", "1000", "1000000"), Needs.PLATFORM, 15),
    Entry("Start of the engine", ("engine_start",), Needs.PLATFORM, 3),
    Entry("REST proxy", ("rest_proxy",), Needs.PLATFORM, 3),
    Entry("CSV source", ("csv_source",), Needs.PLATFORM, 3),
    Entry("Syslog source", ("syslog_source",), Needs.PLATFORM, 3),
    Entry("Sinks", ("sinks",), Needs.PLATFORM, 5),
    Entry("Replay of a capture, beside tshark", ("wifi_replay",), Needs.PLATFORM, 3),
    Entry(
        "The deployer",
        ("deploy_time", "--rounds", "2"),
        Needs.OWN_PLATFORM,
        8,
        (
            Aim("first alert since the start of up", r"first alert since the start of up +([\d.]+) s", 50, "s"),
            Aim("plan without changes", r"plan without changes +([\d.]+) s", 2, "s"),
            Aim("up without changes", r"up without changes +([\d.]+) s", 4, "s"),
            Aim("down", r"^ *down +([\d.]+) s", 8, "s"),
        ),
    ),
    Entry("Kills under exactly-once", ("kill_engine", "server", "worker", "broker"), Needs.PLATFORM, 30),
    Entry("Faults of the whole platform", ("faults", "--rounds", "100"), Needs.OWN_PLATFORM, 60),
    Entry("An hour under load", ("soak", "--minutes", "60", "--folder", "docs/soak"), Needs.OWN_PLATFORM, 65),
)
"""Short ones first; what changes the running platform last."""


def selected(only: list[str], skip: list[str]) -> Iterator[Entry]:
    """The entries with one of the names `only` (empty: all) and none of `skip`."""
    for entry in ENTRIES:
        if (not only or entry.name in only) and entry.name not in skip:
            yield entry
