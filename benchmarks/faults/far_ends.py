"""Reads the far ends: topics, indices, objects, a table and the inbox."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psycopg
import requests
from botocore.exceptions import BotoCoreError, ClientError
from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.faults.marks import Marks, Tally
from benchmarks.platform import QUIET, Inbox
from benchmarks.sink_trial import Lake
from bifrost.clients import search
from bifrost.errors import RemoteError
from bifrost.settings import Settings

READ_S = 0.5
INBOX_PACE_S = 2.0
FRAMES_IN_TABLE = "SELECT COALESCE(SUM(packet_count), 0) FROM wifi.pcap_stats WHERE subtype = 4"


class Arrivals:
    """The marks of the current batch in topics, read from their start in a thread of this object.

    `totals` counts all records by topic, also those without a mark.
    """

    def __init__(self, bootstrap: str, topics: Iterable[str]) -> None:
        options = {**QUIET, "bootstrap.servers": bootstrap, "group.id": f"faults-{uuid.uuid4().hex}"}
        self._consumer = Consumer({**options, "enable.auto.commit": False, "isolation.level": "read_committed"})
        self._lock = threading.Lock()
        self._marks = Marks("none")
        self._tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self.totals: Counter[str] = Counter()
        self.last_arrival_s = time.monotonic()
        found = self._consumer.list_topics(timeout=30).topics
        self._consumer.assign([TopicPartition(topic, part, 0) for topic in topics for part in found[topic].partitions])
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._read, name="arrivals", daemon=True)
        self._thread.start()

    def begin(self, marks: Marks) -> None:
        """Count the marks of another batch from now on."""
        with self._lock:
            self._marks = marks
            self._tallies.clear()

    def tally(self, topic: str, load: str) -> Tally:
        """A copy of what has arrived of a load in a topic."""
        with self._lock:
            found = self._tallies[topic, load]
            return Tally(found.counts.copy(), found.out_of_order)

    def close(self) -> None:
        """Stop reading."""
        self._ends.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._ends.is_set():
            with suppress(KafkaException):  # the broker may be down; the client connects again
                self._count(self._consumer.consume(5000, READ_S))

    def _count(self, messages: Iterable[Any]) -> None:
        for message in messages:
            if message.error():
                continue
            with self._lock:
                self.totals[message.topic()] += 1
                self.last_arrival_s = time.monotonic()
                for load, number in self._marks.found(message.value() or b""):
                    self._tallies[message.topic(), load].add(number)


class FarEnds:
    """What indices, objects, the table and the inbox hold. A far end that does not answer has what it had before."""

    def __init__(self, settings: Settings, buckets: Iterable[str]) -> None:
        self._settings = settings
        self._search = search.from_settings(settings)
        self._lakes = {bucket: Lake(settings, bucket) for bucket in buckets}
        self._objects: dict[str, dict[str, list[str]]] = {bucket: {} for bucket in buckets}
        self._inbox = Inbox(settings.endpoints.as_json())
        self._texts: list[str] = []
        self._documents: dict[str, int] = {}
        self._frames = 0

    def documents(self, index: str) -> int:
        """The number of documents that searches find."""
        with suppress(RemoteError):
            self._search.http.call("POST", f"/{index}/_refresh")
            self._documents[index] = self._search.count(index)
        return self._documents.get(index, 0)

    def objects(self, bucket: str, topic: str, marks: Marks) -> Counter[int]:
        """How often each number is in the objects of a topic. Objects are read once: their content never changes."""
        known = self._objects[bucket]
        with suppress(BotoCoreError, ClientError, ValueError, EOFError):  # an unfinished upload is read the next time
            for name in self._lakes[bucket].names(f"topics/{topic}/"):
                if name not in known:
                    known[name] = [str(row) for row in self._lakes[bucket].rows(name)]
        texts = "\n".join(text for name, rows in known.items() if f"topics/{topic}/" in name for text in rows)
        return Counter(number for text in texts.split("\n") for _, number in marks.found(text.encode()))

    def frames_in_table(self) -> int:
        """The number of probe requests that the table of the JDBC sink counts."""
        with suppress(psycopg.Error):
            with psycopg.connect(self._settings.local_postgres(), connect_timeout=10) as connection:
                row = connection.execute(FRAMES_IN_TABLE).fetchone()
            self._frames = int(row[0]) if row else 0
        return self._frames

    def alerts(self, marks: Marks) -> Tally:
        """The alerts in the inbox."""
        with suppress(requests.RequestException, ValueError):
            self._texts = [str(message["text"]) for message in self._inbox.messages()]
        tally = Tally()
        for text in self._texts:
            for _, number in marks.found(text.encode()):
                tally.add(number)
        return tally

    def close(self) -> None:
        """Close the connections."""
        self._search.close()
