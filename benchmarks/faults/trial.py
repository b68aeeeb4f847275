"""One batch of faults: writes into all pipelines meanwhile, then waits for every far end and compares."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.faults.far_ends import Arrivals, FarEnds
from benchmarks.faults.loads import is_alerting
from benchmarks.faults.marks import Marks, Tally
from benchmarks.faults.sender import Sender
from benchmarks.faults.verdict import Guarantee, HopVerdict, judge_hop

SETTLE_S = 600.0
"""How long the far ends may take after the last fault."""
QUIET_S = 5.0
"""Without a new record for so long, no repeat is expected any more."""
ALERTS = "UNHAPPY_PLATINUM_CUSTOMERS"


@dataclass(frozen=True, slots=True)
class Place:
    """A topic on the way of a load.

    Attributes:
        is_ours: whether a query of the engine writes it; its guarantee is then that of the queries.
        index: where a sink writes its records, or empty.
        sink: the sink of the index; its dead-letter topic has its name.
        bucket: where a sink writes objects of `flush_size` records, or empty.
        is_ordered: whether the order of a key is kept. Records of a stream without a key column go to any partition.
    """

    topic: str
    is_ours: bool = False
    index: str = ""
    bucket: str = ""
    flush_size: int = 0
    is_ordered: bool = True
    sink: str = ""

    @property
    def dead_letters(self) -> str:
        """The dead-letter topic of the sink."""
        return f"{self.sink}.dlq"


ROUTES: Mapping[str, tuple[Place, ...]] = {
    "ratings": (
        Place("ratings"),
        Place(
            "ratings-with-customer-data",
            True,
            "ratings-with-customer-data",
            "rmoff-demo-ratings",
            100,
            sink="es_sink_ratings-with-customer-data",
        ),
    ),
    "frames": (
        Place("pcap", index="pcap", sink="es_sink_pcap"),
        Place(
            "pcap_probe_enriched_00",
            True,
            "pcap_probe_enriched_00",
            is_ordered=False,
            sink="es_sink_pcap_probe_enriched_00",
        ),
    ),
    "syslog": (Place("syslog"), Place("SYSLOG_ENRICHED", True, "syslog_enriched", sink="es_sink_syslog")),
    "orders": (
        Place("orders"),
        Place("ORDERS_ENRICHED", True, "orders_enriched", "rmoff-demo-orders-02", 3, sink="es_sink_orders"),
    ),
    "mariadb": (Place("asgard.demo.CUSTOMERS"), Place("CUSTOMERS_SRC_REKEY", True)),
    "postgres": (Place("ora-ogg-SOE-CUSTOMERS-avro"),),
    "mongodb": (Place("unifi.ace.user"), Place("all_devices_00", True)),
}
"""The topics of each load, in the order of the flow."""
PLACES = tuple(place for route in ROUTES.values() for place in route)
TOPICS = (
    *dict.fromkeys(place.topic for place in PLACES),
    ALERTS,
    *(place.dead_letters for place in PLACES if place.sink),
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares the places of all loads."""

    arrivals: Arrivals
    far_ends: FarEnds
    marks: Marks
    senders: Mapping[str, Sender]
    queries: Guarantee
    repeats: Callable[[], int]

    def verdicts(self) -> Iterator[HopVerdict]:
        """The verdict on every hop, as the far ends are now."""
        for load, sender in self.senders.items():
            yield from self._route(load, sender)
        if "frames" in self.senders:
            yield self._table()

    def _route(self, load: str, sender: Sender) -> Iterator[HopVerdict]:
        before = sender.sent
        for place in ROUTES[load]:
            here = self.arrivals.tally(place.topic, load)
            source = Guarantee.AT_MOST_ONCE if load == "syslog" else Guarantee.EXACTLY_ONCE
            guarantee = self.queries if place.is_ours else source
            yield judge_hop(load, place.topic, guarantee, before, here, is_ordered=place.is_ordered)
            if place.index:
                yield self._index(load, place)
            if place.bucket:
                yield self._objects(load, place, here)
            before = here.counts
        if load == "ratings":
            yield from self._alerts(before)

    def _alerts(self, before: Counter[int]) -> Iterator[HopVerdict]:
        rows = self.arrivals.tally(ALERTS, "ratings")
        wanted = Counter({number: count for number, count in before.items() if is_alerting(number)})
        yield judge_hop("ratings", ALERTS, self.queries, wanted, rows)
        inbox = self.far_ends.alerts(self.marks)
        yield judge_hop("ratings", "inbox", Guarantee.AT_LEAST_ONCE, rows.counts, inbox, repeats=self.repeats())

    def _index(self, load: str, place: Place) -> HopVerdict:
        """An index has a document per record of its topic, also those of earlier batches."""
        records = self.arrivals.totals[place.topic]
        documents = self.far_ends.documents(place.index)
        lost = tuple(range(records - documents))
        name = f"index {place.index}"
        doubled = max(0, documents - records)
        letters = self.arrivals.totals[place.dead_letters]
        return HopVerdict(load, name, Guarantee.EXACTLY_ONCE, records, lost, doubled, 0, 0, dead_letters=letters)

    def _objects(self, load: str, place: Place, here: Tally) -> HopVerdict:
        """The last records of a topic wait for the rest of their object."""
        found = self.far_ends.objects(place.bucket, place.topic, self.marks)
        waiting = self.arrivals.totals[place.topic] % place.flush_size
        newest = list(here.counts)[-waiting:] if waiting else []
        before = here.counts - Counter(newest)
        return judge_hop(load, f"objects of {place.topic}", Guarantee.EXACTLY_ONCE, before, Tally(found))

    def _table(self) -> HopVerdict:
        """The table counts all frames since the platform's start, as the engine's table does."""
        frames, counted = self.arrivals.totals["pcap"], self.far_ends.frames_in_table()
        lost, repeats = tuple(range(frames - counted)), None if self.queries is Guarantee.AT_LEAST_ONCE else 0
        name = "table wifi.pcap_stats"
        return HopVerdict("frames", name, self.queries, frames, lost, max(0, counted - frames), 0, repeats)


def settled(judge: Judge, arrivals: Arrivals, settle_s: float = SETTLE_S) -> tuple[list[HopVerdict], float]:
    """Wait until nothing is missing and nothing more arrives; returns the verdicts, and the seconds it took."""
    begin = time.monotonic()
    while True:
        verdicts = list(judge.verdicts())
        waited = time.monotonic() - begin
        is_quiet = time.monotonic() - arrivals.last_arrival_s > QUIET_S
        if waited > settle_s or (is_quiet and not any(verdict.lost for verdict in verdicts)):
            return verdicts, waited
        # Lines of syslog may be missing for ever.
        if is_quiet and waited > settle_s / 10 and all(verdict.is_kept for verdict in verdicts):
            return verdicts, waited
        time.sleep(2)
