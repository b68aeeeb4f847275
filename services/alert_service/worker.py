"""The worker of one alert: a thread that reads its topic as a consumer group and sends its messages."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime

from bifrost.alert_template import unknown_column
from bifrost.alerts import KEY_FORMATS, VALUE_FORMATS, Alert, line_of
from bifrost.clients import kafka, ksqldb, schema_registry
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import ConsumerGroup
from bifrost.clients.dead_letters import DeadLetterTopic
from bifrost.errors import BifrostError, DeclarationError, RemoteError
from bifrost.settings import Settings
from services.alert_service.messages import (
    MAX_IN_FLIGHT,
    AlertMessage,
    SuppressingChannel,
    channel_for,
    chat_for,
    message_composer,
    order_marks,
    with_configured_channel,
)
from services.alert_service.record_columns import RecordLayout, column_reader, find_layout
from services.delivery.channel import ComposeRecord
from services.delivery.loop import LAG, DeliveryLoop

RETRY_INTERVAL_S = 2.0
KSQLDB_PATIENCE_S = 1.0
TOPIC_LIST_TIMEOUT_S = 5.0
_log = logging.getLogger("alerts")


class AlertWorker(threading.Thread):
    """Delivers one alert until asked to stop.

    `error` is the error that ended it early. `reads_from_beginning` says that a new group starts at the oldest record:
    it becomes true when the topic is found missing, so that a later attempt loses none of its first records.
    """

    def __init__(self, alert: Alert, values: Settings, *, from_beginning: bool) -> None:
        super().__init__(name=f"alert-{alert.name}")
        self.alert = alert
        self.error: Exception | None = None
        self.reads_from_beginning = from_beginning
        self._values = values
        self._stop_requested = threading.Event()
        self._source: ConsumerGroup | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the worker will miss no record from now on, or has ended."""
        has_position = self._source is not None and self._source.has_position
        return has_position or self.reads_from_beginning or self.error is not None

    def request_stop(self) -> None:
        """Ask the worker to end after its current message."""
        self._stop_requested.set()

    def run(self) -> None:
        """Deliver."""
        try:
            self._deliver()
        except BifrostError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the thread's top: the service logs the error and restarts the worker
            _log.exception("%s", self.alert.name)
            self.error = error

    def _deliver(self) -> None:
        alert = with_configured_channel(self.alert, self._values)
        chat = chat_for(alert, self._values)
        # Whatever fails below, the connections are closed: the service makes a new worker for the next attempt.
        with (
            closing(channel_for(alert, self._values)) as inner,
            schema_registry.from_settings(self._values) as registry,
        ):
            layout = self._wait_for_layout()
            if layout is None:
                return
            composer = message_composer(alert, column_reader(layout, AvroReader(registry)), chat)
            channel = SuppressingChannel(inner, alert.once, alert.quiet, clock=time.monotonic, now=_now)
            self._run_loop(alert, channel, composer)

    def _run_loop(self, alert: Alert, channel: SuppressingChannel, composer: ComposeRecord[AlertMessage]) -> None:
        client = self._values.kafka_client()
        self._source = ConsumerGroup(client, alert.group, alert.topic, from_beginning=self.reads_from_beginning)
        loop: DeliveryLoop[AlertMessage] = DeliveryLoop(
            self._source,
            channel,
            composer,
            DeadLetterTopic(client, alert.dead_letter_topic),
            clock=time.monotonic,
            is_stopping=self._stop_requested.is_set,
            name=alert.name,
            in_flight=MAX_IN_FLIGHT,
            order_marks=order_marks,
        )
        _log.info("%s reads %s as group %s", alert.name, alert.topic, alert.group)
        source = self._source
        stop_computing = LAG.compute(lambda: {(alert.name,): source.lag_records()})
        try:
            loop.run()
        finally:
            stop_computing()

    def _wait_for_layout(self) -> RecordLayout | None:
        """Wait until ksqlDB knows the topic; return its layout, `None` if asked to stop first."""
        last_problem = ""
        with ksqldb.from_settings(self._values, patience_s=KSQLDB_PATIENCE_S) as server:
            while True:
                try:
                    layout = find_layout(server, self.alert.topic)
                    if layout is not None:
                        check_alert_fits(self.alert, layout)
                        return layout
                    self.reads_from_beginning = True
                    problem = f"ksqlDB knows no stream or table of topic {self.alert.topic} yet"
                except RemoteError as error:
                    problem = str(error)
                    self._check_topic_exists()
                if problem != last_problem:
                    last_problem = problem
                    _log.info("%s waits: %s", self.alert.name, problem)
                if self._stop_requested.wait(RETRY_INTERVAL_S):
                    return None

    def _check_topic_exists(self) -> None:
        """Ask Kafka while ksqlDB does not answer: all records of a topic created later are new."""
        if self.reads_from_beginning:
            return
        with suppress(RemoteError):
            topics = kafka.admin(self._values, timeout_s=TOPIC_LIST_TIMEOUT_S).topics()
            self.reads_from_beginning = self.alert.topic not in topics


def current_layout(alert: Alert, values: Settings) -> RecordLayout | None:
    """Return the layout of an alert's topic; `None` if ksqlDB does not know the topic or does not answer."""
    try:
        with ksqldb.from_settings(values, patience_s=KSQLDB_PATIENCE_S) as server:
            return find_layout(server, alert.topic)
    except RemoteError:
        return None


def check_alert_fits(alert: Alert, layout: RecordLayout) -> None:
    """Check that an alert can read the records of its topic.

    Raises:
        DeclarationError: their format cannot be read, or a column that the alert needs is missing.
    """
    if layout.value_format not in VALUE_FORMATS or layout.key_format not in KEY_FORMATS:
        formats = f"{layout.key_format} keys and {layout.value_format} values"
        raise _misfit(alert, "topic", f"topic {alert.topic} has {formats}, which alerts cannot read")
    for name in sorted(alert.columns):
        column = name.partition(".")[0]
        if column not in layout.columns:
            key = "template" if column in alert.template.columns else "by"
            raise _misfit(alert, key, f"{key}: {unknown_column(layout.source, column, layout.columns)}")


def _misfit(alert: Alert, key: str, problem: str) -> DeclarationError:
    try:
        line = line_of(alert.path.read_text(encoding="utf-8"), key)
    except OSError:
        line = None
    return DeclarationError(alert.path, problem, line=line)


def _now() -> datetime:
    return datetime.now(tz=UTC)
