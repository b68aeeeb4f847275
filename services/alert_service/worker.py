"""The worker of one alert: a thread that reads its topic as a consumer group and sends its messages."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from bifrost.alert_template import unknown_column
from bifrost.alerts import KEY_FORMATS, VALUE_FORMATS, Alert, line_of
from bifrost.clients import ksqldb, schema_registry
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import ConsumerGroup
from bifrost.clients.dead_letters import DeadLetterTopic
from bifrost.errors import BifrostError, DeclarationError, RemoteError
from bifrost.settings import Settings
from services.alert_service.messages import (
    AlertMessage,
    SuppressingChannel,
    channel_for,
    chat_for,
    message_composer,
    with_configured_channel,
)
from services.alert_service.record_columns import RecordLayout, column_reader, find_layout
from services.delivery.loop import DeliveryLoop

RETRY_INTERVAL_S = 2.0
KSQLDB_PATIENCE_S = 1.0
_log = logging.getLogger("alerts")


class AlertWorker(threading.Thread):
    """Delivers one alert until asked to stop; `error` is the error that ended it early."""

    def __init__(self, alert: Alert, values: Settings, *, from_beginning: bool) -> None:
        super().__init__(name=f"alert-{alert.name}")
        self.alert = alert
        self.error: Exception | None = None
        self._values = values
        self._from_beginning = from_beginning
        self._stop_requested = threading.Event()
        self._source: ConsumerGroup | None = None
        self._topic_is_known = True

    @property
    def is_settled(self) -> bool:
        """Whether the worker will miss no record from now on, or has ended."""
        has_position = self._source is not None and self._source.has_position
        return has_position or not self._topic_is_known or self.error is not None

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
        alert, client = with_configured_channel(self.alert, self._values), self._values.kafka_client()
        chat = chat_for(alert, self._values)
        inner = channel_for(alert, self._values)
        channel = SuppressingChannel(
            inner, alert.once, alert.quiet, clock=time.monotonic, now=lambda: datetime.now(tz=UTC)
        )
        layout, is_new = self._wait_for_layout()
        if layout is None:
            inner.close()
            return
        with schema_registry.from_settings(self._values) as registry:
            # A topic that did not exist at first is new: all its records count.
            begin = self._from_beginning or is_new
            self._source = source = ConsumerGroup(client, alert.group, alert.topic, from_beginning=begin)
            loop: DeliveryLoop[AlertMessage] = DeliveryLoop(
                source,
                channel,
                message_composer(alert, column_reader(layout, AvroReader(registry)), chat),
                DeadLetterTopic(client, alert.dead_letter_topic),
                clock=time.monotonic,
                is_stopping=self._stop_requested.is_set,
                name=alert.name,
            )
            _log.info("%s reads %s as group %s", alert.name, alert.topic, alert.group)
            loop.run()

    def _wait_for_layout(self) -> tuple[RecordLayout | None, bool]:
        """Wait until ksqlDB knows the topic; return its layout (`None`: asked to stop) and whether it was unknown."""
        last_problem, is_new = "", False
        with ksqldb.from_settings(self._values, patience_s=KSQLDB_PATIENCE_S) as server:
            while True:
                try:
                    layout = find_layout(server, self.alert.topic)
                    if layout is not None:
                        check_alert_fits(self.alert, layout)
                        self._topic_is_known = True
                        return layout, is_new
                    is_new, self._topic_is_known = True, False
                    problem = f"ksqlDB knows no stream or table of topic {self.alert.topic} yet"
                except RemoteError as error:
                    problem = str(error)
                if problem != last_problem:
                    last_problem = problem
                    _log.info("%s waits: %s", self.alert.name, problem)
                if self._stop_requested.wait(RETRY_INTERVAL_S):
                    return None, is_new


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
