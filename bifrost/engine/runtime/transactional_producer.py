"""Writes a query's results, changes of state and offsets in transactions, and sends a failed transaction again.

State is ahead of the transaction while that is open. When it fails, state need not go back: results and changes are
kept until their commit, and go into another transaction unchanged. So neither stores nor operators know of failures.
Only results that the broker refuses for what they are, such as their size, are left out and reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.checkpoints import ChangelogReport, Checkpoints, StorePartition
from bifrost.engine.runtime.cluster import Cluster
from bifrost.engine.runtime.delivery_ledger import RefusedCallback
from bifrost.engine.runtime.kafka_errors import is_record_refused, is_temporary
from bifrost.engine.runtime.query_producer import CommittedCallback, QueryProducer
from bifrost.engine.runtime.shared_producer import SharedProducer
from bifrost.engine.runtime.transaction import Transaction
from bifrost.engine.runtime.transaction_resend import SentResult, TransactionResend
from bifrost.engine.runtime.unstable_records import last_records
from bifrost.engine.runtime.windowed_partitioner import WindowedPartitioner
from bifrost.engine.topology.compiled import EmitCallback, Headers
from bifrost.errors import NotReady, RemoteError, Unreachable

_FULL_WAIT_S: Final = 0.05
_log = logging.getLogger(__name__)


class TransactionFailed(RemoteError):
    """A transaction was not committed, as far as is known.

    `is_temporary` says that another attempt may succeed, `is_refusal` that the broker has refused a record for what it
    is: `recover` finds out which.
    """

    def __init__(self, cause: KafkaException | RemoteError) -> None:
        self.is_refusal = False
        if isinstance(cause, RemoteError):
            super().__init__(cause.system, cause.request, cause.problem)
            self.is_temporary = isinstance(cause, NotReady | Unreachable)
        else:
            super().__init__("Kafka", "write a transaction", f"{cause.args[0].str()} ({cause.args[0].name()})")
            self.is_temporary = is_temporary(cause.args[0])
            self.is_refusal = is_record_refused(cause.args[0])


class TransactionalProducer(QueryProducer):
    """A `QueryProducer` whose commits are transactions: each is complete when `start_commit` returns.

    The methods that write raise `TransactionFailed`. Nothing more may be written then before `recover`.
    """

    def __init__(
        self,
        cluster: Cluster,
        group: str,
        transaction_id: str,
        stopping: Callable[[], bool],
        refused: RefusedCallback,
        committed: CommittedCallback,
        checkpoints: Checkpoints,
    ) -> None:
        self._cluster = cluster
        self._transaction_id = transaction_id
        self._group_metadata = cluster.group_metadata(group)
        client = self._new_client()
        super().__init__(cluster, group, stopping, refused, committed, checkpoints, shared=SharedProducer(client))
        self._transaction = Transaction(client, self._group_metadata)
        self._refused = refused
        self._kept: list[SentResult] = []
        self._committed_before: dict[PartitionId, int] = {}
        self._attempted: dict[PartitionId, int] = {}
        self._reports: dict[StorePartition, ChangelogReport] = {}
        self._beginning: Producer | None = None  # a client that has not begun yet
        self._has_unsent = False
        self._is_unsettled = False  # whether the attempted offsets were committed is to be found out

    def _new_client(self) -> Producer:
        return self._cluster.producer(transaction_id=self._transaction_id)

    def end_left_transactions(self, outputs: Mapping[str, int], places: Sequence[PartitionId]) -> None:
        """Aborts transactions of a killed predecessor that the broker has ended without markers.

        Raises:
            TransactionFailed: that failed.
            RemoteError: the outputs could not be read.
        """
        ranges = self._cluster.admin.unstable(outputs)
        if ranges:
            self._abort_left(last_records(self._cluster, self._transaction_id, ranges), places)

    def committed(self, places: Sequence[PartitionId]) -> dict[PartitionId, int]:
        """Returns the committed offsets of the inputs, which belong to the state that was restored.

        Offsets that a killed predecessor has left without a marker, it aborts.

        Raises:
            TransactionFailed: that failed.
            Unreachable: no broker answered within the deadline, or the group's offsets may not be read.
        """
        wanted = [TopicPartition(*place) for place in places]
        found = self._committed_offsets.read_stable(wanted)
        if found is None:
            self._abort_left([], places)
            found = self._committed_offsets.read(wanted)
        self._committed_before = dict(found)
        return found

    def _abort_left(self, records: list[SentResult], places: Sequence[PartitionId]) -> None:
        try:
            self._abort_again(records, [TopicPartition(*place, 0) for place in places])
        except (KafkaException, RemoteError) as error:
            raise TransactionFailed(error) from error

    def begin(self) -> None:
        """Opens a transaction if none is open."""
        try:
            self._transaction.begin()
        except KafkaException as error:
            raise TransactionFailed(error) from error

    def emitter(self, windowed: Mapping[str, WindowedPartitioner]) -> EmitCallback:
        """See `QueryProducer`."""
        sent, sizes, ledger, keep = self._ledger.sent, self._ledger.sizes, self._ledger, self._kept.append

        def emit(topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
            sent[topic] += 1
            sizes[topic] += (len(key) if key else 0) + (len(value) if value else 0)
            partitioner = windowed.get(topic)
            partition = -1 if partitioner is None else partitioner.partition(key)
            keep((topic, value, key, partition, timestamp, headers))
            try:
                self._producer.produce(topic, value, key, partition, ledger.report, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
            except BufferError:
                self._send_last()
            except KafkaException as error:
                self._take_unsent(topic, error.args[0])

        return emit

    def _take_unsent(self, topic: str, error: KafkaError) -> None:
        # This never raises: a record whose results are written in part could not be sent again.
        self._ledger.take_unsent(topic, error)
        if is_record_refused(error):
            self._kept.pop()

    def _send_last(self) -> None:
        """Sends the result that was kept last once the queue has room; if it gets none, the transaction has failed."""
        topic, value, key, partition, timestamp, headers = self._kept[-1]
        while self._ledger.failure is None and not self._has_unsent:
            try:
                self._producer.produce(topic, value, key, partition, self._ledger.report, None, timestamp, headers)  # type: ignore[arg-type]  # list is invariant
                return
            except BufferError:
                if self._stopping():
                    self._has_unsent = True
                    return
                self._producer.poll(_FULL_WAIT_S)
            except KafkaException as error:
                self._take_unsent(topic, error.args[0])
                return

    def start_commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Commits everything written since the last commit, with the offsets of the input that it came from.

        Raises:
            TransactionFailed: it may be sent again with `recover`.
        """
        self._attempted = {(place.topic, place.partition): place.offset for place in offsets}
        self._reports = {}
        try:
            self.begin()
            self.check()
            self._checkpoints.begin_commit()
            self._reports = self._send_changes(self._changes, self._ledger.group())
            self._transaction.commit(offsets)
        except (KafkaException, NotReady) as error:
            self._producer.poll(0)
            self.check()
            raise TransactionFailed(error) from error
        # The commit has flushed everything; what is left of the delivery reports is taken here.
        self._producer.poll(0)
        self._take_commit()

    def check(self) -> None:
        """Raises if a record could not be delivered.

        Raises:
            TransactionFailed: the broker was unreachable, for example, or refused the record for what it is.
        """
        if self._ledger.failure is not None:
            raise TransactionFailed(KafkaException(self._ledger.failure))
        if self._has_unsent:
            problem = "the broker is not accepting records and the query is stopping"
            raise TransactionFailed(NotReady("Kafka", "write a transaction", problem))

    def _take_commit(self) -> None:
        """Takes a commit that has succeeded."""
        self._kept.clear()
        self._changes.clear()
        self._committed_before.update(self._attempted)
        self._checkpoints.committed(self._reports, in_transaction=True)
        self._committed(None, _places(self._attempted))

    def recover(self, places: Sequence[PartitionId]) -> bool:
        """Writes everything again that the failed transaction contained, for the next commit.

        Results that the broker refuses for what they are, it reports and leaves out. If it is unknown what has become
        of the transaction, the committed offsets of `places`, the inputs, show that.

        Returns:
            False if another run of the query has committed meanwhile: the state in memory is not the last one.

        Raises:
            TransactionFailed: that failed, too.
        """
        self._ledger.forget_sent()
        self._has_unsent = False
        try:
            if self._is_unsettled or not self._abort():
                self._is_unsettled = True
                self._replace_client()
                self._abort_again(self._kept, _places(self._attempted))
                if not self._settle(places):
                    return False
                self._is_unsettled = False
            self._resend()
        except (KafkaException, RemoteError) as error:
            raise TransactionFailed(error) from error
        return True

    def _abort(self) -> bool:
        """Aborts the transaction with its own client; returns whether that was possible."""
        if self._transaction.is_lost:
            return False
        try:
            self._transaction.abort()
        except (KafkaException, NotReady):
            return False
        return True

    def _replace_client(self) -> None:
        # Not another one while the last one may still begin: each fences those before it.
        client = self._beginning or self._new_client()
        self._beginning = None
        try:
            # This ends the transaction of the replaced client, which cannot write any more.
            self._transaction = Transaction(client, self._group_metadata)
        except KafkaException as error:
            if error.args[0].retriable():
                self._beginning = client
            raise
        self._producer = SharedProducer(client)

    def _resend(self) -> None:
        self._send_again(self._kept)

    def _send_again(self, results: list[SentResult]) -> None:
        TransactionResend(self._transaction, self._producer, results, self._refused, self._stopping).send()

    def _abort_again(self, results: list[SentResult], offsets: Sequence[TopicPartition]) -> None:
        """Aborts what a transaction of this id may have left without markers in the partitions of results and offsets.

        A coordinator takes partitions without a leader for deleted, and ends a transaction without markers there: when
        a broker restarts or is too slow to report to its controller, for example. The next commit of the same producer
        would make these records visible beside those that are sent again, and the offsets would stay pending. An abort
        in the same partitions ends both; a transaction that has its markers stays as it is.
        """
        self._send_again(results)
        self._transaction.add_offsets(offsets)
        self._transaction.abort()

    def _settle(self, places: Sequence[PartitionId]) -> bool:
        """Finds out whether the transaction was committed; returns False if another one was."""
        found = self._committed_offsets.read([TopicPartition(*place) for place in places])
        if found == self._committed_before:
            return True
        if found != {**self._committed_before, **self._attempted}:
            return False
        self._take_commit()
        return True

    def close(self) -> None:
        """Drops what was not committed."""
        try:
            self._transaction.abort()
        except (KafkaException, NotReady) as error:
            # The transactions of the next run begin by aborting it.
            _log.warning("transaction not aborted, it stays open until the query starts again: %s", error)


def _places(offsets: Mapping[PartitionId, int]) -> list[TopicPartition]:
    return [TopicPartition(*place, offset) for place, offset in offsets.items()]
