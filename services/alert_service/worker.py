"""One alert on a thread of its own: its group reads its topic, and its channel is told."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from bifrost.alert_template import missing_column
from bifrost.alerts import KEY_FORMATS, VALUE_FORMATS, Alert, line_of
from bifrost.clients import ksqldb, schema_registry
from bifrost.clients.avro import AvroReader
from bifrost.clients.consumer_group import ConsumerGroup
from bifrost.clients.dead_letters import DeadLetterTopic
from bifrost.errors import BifrostError, DeclarationError, RemoteError
from bifrost.settings import Settings
from services.alert_service.messages import AlertMessage, SuppressingChannel, channel_of, chat_of, chosen, composer
from services.alert_service.record_columns import Shape, reader_of, shape_of
from services.delivery.loop import Delivery

RETRY_EVERY_S = 2.0
PATIENCE_S = 1.0
_log = logging.getLogger("alerts")


class AlertWorker(threading.Thread):
    """Delivers one alert until stopped; `error` is what ended it before."""

    def __init__(self, alert: Alert, values: Settings, *, from_beginning: bool) -> None:
        super().__init__(name=f"alert-{alert.name}")
        self.alert = alert
        self.error: Exception | None = None
        self._values = values
        self._from_beginning = from_beginning
        self._stop_asked = threading.Event()
        self._source: ConsumerGroup | None = None
        self._topic_is_known = True

    @property
    def is_settled(self) -> bool:
        """Whether it misses no record from now on, or ended."""
        is_placed = self._source is not None and self._source.is_placed
        return is_placed or not self._topic_is_known or self.error is not None

    def ask_to_stop(self) -> None:
        """Let it end after what it is doing."""
        self._stop_asked.set()

    def run(self) -> None:
        """Deliver."""
        try:
            self._deliver()
        except BifrostError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - the thread's top: whoever minds it tells and tries again
            _log.exception("%s", self.alert.name)
            self.error = error

    def _deliver(self) -> None:
        alert, client = chosen(self.alert, self._values), self._values.kafka_client()
        chat = chat_of(alert, self._values)
        inner = channel_of(alert, self._values)
        channel = SuppressingChannel(
            inner, alert.once, alert.quiet, clock=time.monotonic, now=lambda: datetime.now(tz=UTC)
        )
        shape, is_new = self._awaited_shape()
        if shape is None:
            inner.close()
            return
        with schema_registry.from_settings(self._values) as registry:
            # What was not there when we looked is new: all of it.
            begin = self._from_beginning or is_new
            self._source = source = ConsumerGroup(client, alert.group, alert.topic, from_beginning=begin)
            delivery: Delivery[AlertMessage] = Delivery(
                source,
                channel,
                composer(alert, reader_of(shape, AvroReader(registry)), chat),
                DeadLetterTopic(client, alert.dead_letter_topic),
                clock=time.monotonic,
                is_stopping=self._stop_asked.is_set,
                name=alert.name,
            )
            _log.info("%s reads %s as group %s", alert.name, alert.topic, alert.group)
            delivery.run()

    def _awaited_shape(self) -> tuple[Shape | None, bool]:
        """How the topic's records look, as soon as ksqlDB knows; whether it did not at first. `None`: asked to stop."""
        said, is_new = "", False
        with ksqldb.from_settings(self._values, patience_s=PATIENCE_S) as server:
            while True:
                try:
                    shape = shape_of(server, self.alert.topic)
                    if shape is not None:
                        refuse_misfit(self.alert, shape)
                        self._topic_is_known = True
                        return shape, is_new
                    is_new, self._topic_is_known = True, False
                    problem = f"ksqlDB knows no stream or table of topic {self.alert.topic} yet"
                except RemoteError as error:
                    problem = str(error)
                if problem != said:
                    said = problem
                    _log.info("%s waits: %s", self.alert.name, problem)
                if self._stop_asked.wait(RETRY_EVERY_S):
                    return None, is_new


def known_shape(alert: Alert, values: Settings) -> Shape | None:
    """The shape of an alert's topic; `None` where ksqlDB does not know it, or does not answer now."""
    try:
        with ksqldb.from_settings(values, patience_s=PATIENCE_S) as server:
            return shape_of(server, alert.topic)
    except RemoteError:
        return None


def refuse_misfit(alert: Alert, shape: Shape) -> None:
    """Refuse an alert that its topic's records do not fit.

    Raises:
        DeclarationError: they are in a format that cannot be read, or lack a column.
    """
    if shape.value_format not in VALUE_FORMATS or shape.key_format not in KEY_FORMATS:
        formats = f"{shape.key_format} and {shape.value_format}"
        raise _misfit(alert, "topic", f"topic {alert.topic} is written in {formats}, which alerts cannot read")
    for name in sorted(alert.columns):
        column = name.partition(".")[0]
        if column not in shape.columns:
            key = "template" if column in alert.template.columns else "by"
            raise _misfit(alert, key, f"{key}: {missing_column(shape.source, column, shape.columns)}")


def _misfit(alert: Alert, key: str, problem: str) -> DeclarationError:
    try:
        line = line_of(alert.path.read_text(encoding="utf-8"), key)
    except OSError:
        line = None
    return DeclarationError(alert.path, problem, line=line)
