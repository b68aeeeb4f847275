"""A Kafka cluster in memory: topics are lists. It stands in for `bifrost.engine.runtime.cluster.Cluster`."""

from __future__ import annotations

import threading
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bifrost.clients.kafka import OffsetRange, TopicDescription
from bifrost.engine.runtime.topic_watch import TopicWatch
from bifrost.errors import Refused
from tests.engine.runtime.memory_consumer import MemoryConsumer
from tests.engine.runtime.memory_message import MemoryMessage, Place

Delivered = Callable[[KafkaError | None, MemoryMessage], None]
GroupOffsets = tuple[str, list[TopicPartition]]


@dataclass
class MemoryTopic:
    partitions: list[list[MemoryMessage]]
    config: dict[str, str]
    following: dict[int, int] = field(default_factory=dict)  # the next offset by partition
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def range_of(self, partition: int) -> OffsetRange:
        records, end = self.partitions[partition], self.following.get(partition, 0)
        return OffsetRange(records[0].at if records else end, end)


@dataclass
class MemoryAdmin:
    """What `KafkaAdmin` does, for the engine's needs."""

    topics_by_name: dict[str, MemoryTopic] = field(default_factory=dict)
    groups: dict[str, dict[Place, int]] = field(default_factory=dict)
    describing: Callable[[list[str]], None] | None = None  # is called before topics are described
    unmarked: dict[str, Unmarked] = field(default_factory=dict)  # by transaction id

    def unstable(self, topics: Mapping[str, int]) -> dict[Place, OffsetRange]:
        found = {}
        for place in {place for left in self.unmarked.values() for place in left.records if place[0] in topics}:
            first = self.topics_by_name[place[0]].following.get(place[1], 0)
            found[place] = OffsetRange(first, first + len(self.unmarked_records(place)))
        return found

    def unmarked_records(self, place: Place) -> list[Sent]:
        return [sent for left in self.unmarked.values() for sent in left.records.get(place, ())]

    def topics(self) -> dict[str, int]:
        return {name: len(topic.partitions) for name, topic in list(self.topics_by_name.items())}

    def describe(self, names: Iterable[str]) -> dict[str, TopicDescription]:
        names = list(names)
        if self.describing is not None:
            self.describing(names)
        there = self.topics_by_name
        return {
            name: TopicDescription(name, len(there[name].partitions), 1, there[name].config)
            for name in names
            if name in there
        }

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self.topics_by_name[name].id for name in names}

    def ends(self, topics: Mapping[str, int]) -> dict[str, dict[int, OffsetRange]]:
        return {
            name: {number: self.topics_by_name[name].range_of(number) for number in range(count)}
            if name in self.topics_by_name
            else {}
            for name, count in topics.items()
        }

    def delete(self, name: str) -> None:
        self.topics_by_name.pop(name, None)
        for offsets in list(self.groups.values()):
            for place in [place for place in list(offsets) if place[0] == name]:
                offsets.pop(place, None)

    def delete_group(self, name: str) -> None:
        self.groups.pop(name, None)

    def delete_records(self, before: Iterable[TopicPartition]) -> None:
        for place in before:
            records = self.topics_by_name[place.topic].partitions[place.partition]
            records[:] = [record for record in records if record.at >= place.offset]


class MemoryCluster:
    """One broker's worth of topics; consumers wait on it for new records."""

    def __init__(self) -> None:
        self.admin = MemoryAdmin()
        self.topic_watch = TopicWatch(lambda: self.admin.topics(), interval_s=0.05, confirm_s=0.02)
        self.changed = threading.Condition(threading.RLock())
        self.replicas = 1
        self.refusing: KafkaError | None = None
        self.refusing_offsets: KafkaError | None = None
        self.refusing_record: Callable[[str, bytes | None, int], KafkaError | None] | None = None
        self.largest_batch: int | None = None  # how many records of a transaction may be sent together
        self.unsendable: set[bytes] = set()  # values that the client library refuses
        self.consumer_problem: KafkaError | None = None
        self.unreadable: set[str] = set()  # topics from which nothing arrives
        self.holding: set[str] = set()  # topics whose records no broker takes for now
        self.held = 0  # how many records were held back so far
        self.writes_left: int | None = None  # how many writes until its clients are killed
        self.consumers: list[MemoryConsumer] = []  # those that are not closed
        self.generation = 0  # clients of an earlier one are those of a process that was killed
        self.failing: dict[str, list[KafkaError]] = {}  # what the next calls of a transaction's step raise
        self.epochs: dict[str, int] = {}  # how many producers have used a transaction id
        self.open_transactions: dict[str, MemoryProducer] = {}  # by transaction id
        self.skips_markers = False  # a transaction whose outcome is unknown leaves its records without markers
        self.reading_groups: list[str] = []  # the groups of all consumers that were opened

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str], *, replicas: int = 0) -> bool:
        if name in self.admin.topics_by_name:
            return False
        self.admin.topics_by_name[name] = MemoryTopic([[] for _ in range(partitions)], dict(config))
        return True

    def producer(self, *, transaction_id: str | None = None, **options: object) -> MemoryProducer:
        return MemoryProducer(self, transaction_id=transaction_id)

    def consumer(self, group: str, *, enable_partition_eof: bool = True, **options: object) -> MemoryConsumer:
        stable = options.get("isolation_level") != "read_uncommitted"
        made = MemoryConsumer(self, group, reports_ends=enable_partition_eof, stable=stable)
        self.consumers.append(made)
        self.reading_groups.append(group)
        return made

    def committed_offsets(self, group: str) -> MemoryOffsets:
        return MemoryOffsets(self, group)

    def group_metadata(self, group: str) -> str:
        return group

    def kill_clients(self) -> None:
        """What a kill -9 does to the clients that there are: what they have not sent yet is gone."""
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    def count_write(self) -> None:
        """Counts a write of a client, and kills all clients where a test wants it just now."""
        with self.changed:
            if self.writes_left is not None:
                self.writes_left -= 1
                if self.writes_left < 0:
                    self.writes_left = None
                    self.kill_clients()

    def release(self, *topics: str) -> None:
        """Takes the records that were held back, and those to come."""
        with self.changed:
            self.holding.difference_update(topics)
            self.changed.notify_all()

    def watermarks(self, reader: object, topic: str, partition: int) -> tuple[int, int]:
        self.records(topic, partition)
        found = self.admin.topics_by_name[topic].range_of(partition)
        return found.first, found.next

    # --- for tests

    def records(self, topic: str, partition: int = 0) -> list[MemoryMessage]:
        if topic not in self.admin.topics_by_name:
            raise Refused("Kafka", f"read {topic}", status=3, body="unknown topic")
        return self.admin.topics_by_name[topic].partitions[partition]

    def values(self, topic: str) -> list[bytes | None]:
        parts = self.admin.topics_by_name[topic].partitions
        return [record.value_bytes for records in parts for record in records]

    def write(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        *,
        timestamp: int = 0,
        partition: int = -1,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> MemoryMessage:
        with self.changed:
            parts = self.admin.topics_by_name[topic].partitions
            number = partition if partition >= 0 else zlib.crc32(key or b"") % len(parts)
            records = parts[number]
            following = self.admin.topics_by_name[topic].following
            at = following.get(number, 0)
            following[number] = at + 1
            message = MemoryMessage((topic, number), at, key, value, timestamp, headers)
            records.append(message)
            self.changed.notify_all()
            return message

    def place_of(self, sent: Sent) -> Place:
        """Returns where a record goes."""
        topic, _, key, _, partition, _ = sent
        count = len(self.admin.topics_by_name[topic].partitions)
        return topic, partition if partition >= 0 else zlib.crc32(key or b"") % count

    def commit(self, group: str, offsets: Iterable[TopicPartition]) -> None:
        known = self.admin.groups.setdefault(group, {})
        known.update({(place.topic, place.partition): place.offset for place in offsets})

    def wait_for(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Waits until something becomes true; tests fail loudly if it does not."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it did not come true in time")
            with self.changed:
                self.changed.wait(0.02)


Sent = tuple[str, bytes | None, bytes | None, int, int, list[tuple[str, bytes | None]] | None]


class Unmarked:
    """What ended transactions of one id have left without markers: records by partition, offsets by group."""

    def __init__(self) -> None:
        self.records: dict[Place, list[Sent]] = {}
        self.offsets: dict[str, list[TopicPartition]] = {}

    def add(self, cluster: MemoryCluster, sent: Iterable[Sent], offsets: Iterable[GroupOffsets]) -> None:
        for record in sent:
            self.records.setdefault(cluster.place_of(record), []).append(record)
        for group, places in offsets:
            self.offsets.setdefault(group, []).extend(places)

    def take(self, places: Iterable[Place], groups: Iterable[str]) -> tuple[list[Sent], list[GroupOffsets]]:
        """Ends the transactions in these partitions and groups, where the next transaction has set its markers."""
        records = [sent for place in places for sent in self.records.pop(place, [])]
        return records, [(group, self.offsets.pop(group)) for group in groups if group in self.offsets]


class MemoryProducer:
    """Delivers immediately (except to topics that are held), or with its transaction."""

    def __init__(self, cluster: MemoryCluster, *, transaction_id: str | None = None) -> None:
        self._cluster = cluster
        self._generation = cluster.generation
        self._transaction_id = transaction_id
        self._epoch = 0
        self._in_transaction = False
        self._must_abort = False
        self._pending: list[tuple[Sent, Delivered | None]] = []
        self._acknowledged = 0  # how many of them the broker has reported
        self._has_skipped = False  # the broker has refused records that the client has counted
        self._held: list[tuple[Sent, Delivered | None]] = []
        self._offsets: list[GroupOffsets] = []
        self._reports: list[Callable[[], None]] = []

    @property
    def _is_killed(self) -> bool:
        return self._generation != self._cluster.generation

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = -1,
        callback: Delivered | None = None,
        on_delivery: Delivered | None = None,
        timestamp: int = 0,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> None:
        report = callback or on_delivery
        if self._is_killed:
            raise KafkaException(KafkaError(KafkaError._FATAL))
        encoded = key.encode() if isinstance(key, str) else key
        error = self._cluster.refusing
        if error is not None:
            failed = MemoryMessage((topic, 0), -1)
            if report is not None:
                self._reports.append(lambda: report(error, failed))
            return
        if value in self._cluster.unsendable:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        sent = (topic, value, encoded, timestamp, partition, headers)
        if self._transaction_id is not None:
            self._step("produce")
            if self._must_abort or not self._in_transaction:
                raise KafkaException(KafkaError(KafkaError._STATE))
            self._pending.append((sent, report))
            return
        reason = self._cluster.refusing_record and self._cluster.refusing_record(topic, value, timestamp)
        if reason:
            refused = MemoryMessage((topic, max(partition, 0)), -1, encoded, value, timestamp, headers)
            if report is not None:
                self._reports.append(lambda: report(reason, refused))
            return
        if self._is_held(topic):
            self._cluster.held += 1
            self._held.append((sent, report))
        else:
            self._deliver(sent, report)

    def _is_held(self, topic: str) -> bool:
        # The client keeps records for a topic that is missing, until they time out.
        return topic in self._cluster.holding or topic not in self._cluster.admin.topics_by_name

    def _deliver(self, sent: Sent, report: Delivered | None) -> None:
        self._cluster.count_write()
        error = KafkaError(KafkaError._FATAL) if self._is_killed else None
        message = MemoryMessage((sent[0], 0), -1) if error is not None else self._write(sent)
        if report is not None:
            self._reports.append(lambda: report(error, message))

    def _write(self, sent: Sent) -> MemoryMessage:
        topic, value, key, timestamp, partition, headers = sent
        return self._cluster.write(topic, value, key, timestamp=timestamp, partition=partition, headers=headers)

    def poll(self, timeout: float = 0) -> int:
        self._report_pending()
        held, self._held = self._held, []
        for sent, report in held:
            if self._is_held(sent[0]) and not self._is_killed:
                self._held.append((sent, report))
            else:
                self._deliver(sent, report)
        reports, self._reports = self._reports, []
        for report in reports:
            report()
        if not reports and timeout:
            time.sleep(min(timeout, 0.005))
        return len(reports)

    def flush(self, timeout: float = 0) -> int:
        self.poll(0)
        return len(self._held)

    def purge(self) -> None:
        self._pending.clear()
        self._held.clear()

    # --- transactions

    @property
    def has_pending(self) -> bool:
        """Whether its open transaction has records."""
        return bool(self._pending)

    def _step(self, step: str) -> None:
        """Fails as a test wants it, or because another producer has taken the transaction id over, or it is killed."""
        if self._is_killed:
            raise KafkaException(KafkaError(KafkaError._FATAL, fatal=True))
        if self._epoch != self._cluster.epochs.get(self._transaction_id or "", 0) and step != "init":
            raise KafkaException(KafkaError(KafkaError._FENCED, fatal=True))
        errors = self._cluster.failing.get(step)
        if errors:
            error = errors.pop(0)
            self._must_abort = error.txn_requires_abort()
            raise KafkaException(error)

    def _report_pending(self) -> None:
        """Reports the records of a transaction that were sent together; one that is refused takes the others along."""
        batch = self._pending[self._acknowledged :]
        if self._is_killed or not batch:
            return
        refusing, largest = self._cluster.refusing_record, self._cluster.largest_batch
        reasons = [refusing(topic, value, time) for (topic, value, _, time, _, _), _ in batch] if refusing else []
        if largest is not None and len(batch) > largest:
            reasons.append(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        reason = next(filter(None, reasons), None)
        if self._has_skipped:
            reason, self._has_skipped = KafkaError(KafkaError._PURGE_QUEUE), False
        elif reason is not None:
            self._has_skipped = True
        if reason is not None:
            self._must_abort = True
            del self._pending[self._acknowledged :]
        following = Counter(self._cluster.place_of(sent) for sent, _ in self._pending[: self._acknowledged])
        for sent, report in batch:
            place = self._cluster.place_of(sent)
            at = self._cluster.watermarks(self, *place)[1] + following[place]
            following[place] += 1
            if report is not None:
                self._reports.append(partial(report, reason, MemoryMessage(place, -1 if reason else at)))
        self._acknowledged = len(self._pending)

    def init_transactions(self, timeout: float) -> None:
        self._step("init")
        epochs, name = self._cluster.epochs, self._transaction_id or ""
        fenced = self._cluster.open_transactions.pop(name, None)
        if fenced is not None and self._cluster.skips_markers:
            fenced._leave_unmarked()
        self._epoch = epochs[name] = epochs.get(name, 0) + 1

    def begin_transaction(self) -> None:
        self._step("begin")
        if self._in_transaction:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self._in_transaction = True
        self._cluster.open_transactions[self._transaction_id or ""] = self

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], group: str, timeout: float) -> None:
        self._step("offsets")
        self._offsets.append((group, offsets))

    def commit_transaction(self, timeout: float) -> None:
        self._report_pending()
        self._step("commit")
        if self._must_abort:
            raise KafkaException(KafkaError(KafkaError._STATE, txn_requires_abort=True))
        if self._cluster.skips_markers and self._cluster.failing.get("commit answer"):
            self._leave_unmarked()
            self._end()
        written: set[Place] = set()
        with self._cluster.changed:
            records, offsets = self._take_unmarked()
            for sent in (*records, *(sent for sent, _ in self._pending)):
                written.add(self._write(sent).place)
            for topic, partition in written:
                self._cluster.admin.topics_by_name[topic].following[partition] += 1  # the marker of the transaction
            for group, places in (*offsets, *self._offsets):
                self._cluster.commit(group, places)
        self._end()
        self._step("commit answer")

    def abort_transaction(self, timeout: float) -> None:
        self._step("abort")
        self._report_pending()
        self._take_unmarked()
        purged = KafkaError(KafkaError._PURGE_QUEUE)
        for sent, report in self._pending[self._acknowledged :]:
            if report is not None:
                self._reports.append(partial(report, purged, MemoryMessage((sent[0], 0), -1)))
        self._end()

    def _leave_unmarked(self) -> None:
        left = self._cluster.admin.unmarked.setdefault(self._transaction_id or "", Unmarked())
        left.add(self._cluster, (sent for sent, _ in self._pending), self._offsets)

    def _take_unmarked(self) -> tuple[list[Sent], list[GroupOffsets]]:
        places = dict.fromkeys(self._cluster.place_of(sent) for sent, _ in self._pending[: self._acknowledged])
        left = self._cluster.admin.unmarked.get(self._transaction_id or "", Unmarked())
        return left.take(places, dict.fromkeys(group for group, _ in self._offsets))

    def _end(self) -> None:
        self._cluster.open_transactions.pop(self._transaction_id or "", None)
        self._pending, self._offsets, self._acknowledged = [], [], 0
        self._in_transaction = self._must_abort = False


@dataclass(frozen=True)
class MemoryCommit:
    """A commit that was answered immediately."""

    problem: KafkaError | None
    has_arrived: bool = True


class MemoryOffsets:
    """The committed offsets of a group."""

    def __init__(self, cluster: MemoryCluster, group: str) -> None:
        self._cluster = cluster
        self._generation = cluster.generation
        self._group = group

    def read(self, places: Sequence[TopicPartition]) -> dict[Place, int]:
        known = self._cluster.admin.groups.get(self._group, {})
        wanted = [(place.topic, place.partition) for place in places]
        return {place: known[place] for place in wanted if place in known}

    def read_stable(self, places: Sequence[TopicPartition]) -> dict[Place, int] | None:
        is_stable = all(self._group not in left.offsets for left in self._cluster.admin.unmarked.values())
        return self.read(places) if is_stable else None

    def commit(self, offsets: Sequence[TopicPartition]) -> MemoryCommit:
        self._cluster.count_write()
        if self._generation != self._cluster.generation:
            return MemoryCommit(KafkaError(KafkaError._FATAL))
        if self._cluster.refusing_offsets is None:
            self._cluster.commit(self._group, offsets)
        return MemoryCommit(self._cluster.refusing_offsets)

    def commit_and_wait(self, offsets: Sequence[TopicPartition]) -> None:
        self.commit(offsets)

    def give_up(self, commit: MemoryCommit) -> None:
        pass
