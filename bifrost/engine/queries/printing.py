"""PRINT: follows a topic and shows its records as lines of text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bifrost.engine.queries.payloads import PayloadReader
from bifrost.engine.queries.rows import RowBuffer
from bifrost.engine.runtime.topic_reader import TopicReader
from bifrost.engine.serde import SchemaRegistry
from bifrost.engine.topology.compiled import InputRecord
from bifrost.errors import BifrostError
from bifrost.sql.tree import PrintTopic

_POLL_S = 0.2
_LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class PrintQuery:
    """Follows a topic. `rows` receives rows of one column, each a text that ends with a newline."""

    def __init__(self, statement: PrintTopic, open_topic: Callable[[], TopicReader], registry: SchemaRegistry) -> None:
        self.rows = RowBuffer()
        self._statement = statement
        self._open = open_topic
        self._lines = RecordLines(statement.topic, registry)
        self._thread = threading.Thread(target=self._run, name=f"PRINT {statement.topic}", daemon=True)

    def start(self) -> None:
        """Starts reading, on a separate thread."""
        self._thread.start()

    def finish(self) -> None:
        """Ends the query; lines that were read before stay available."""
        self.rows.close()

    def _run(self) -> None:
        try:
            self._follow()
        except BifrostError as error:
            self.rows.put((f"{error}\n",))
        finally:
            self.rows.close()

    def _follow(self) -> None:
        reader = self._open()
        try:
            shown = seen = 0
            while not self.rows.closed and shown != self._statement.limit:
                for record in reader.read(_POLL_S):
                    seen += 1
                    # As ksqlDB, INTERVAL shows the first record, then every n-th.
                    if (seen - 1) % (self._statement.interval or 1):
                        continue
                    if shown == self._statement.limit or not self.rows.put(("".join(self._lines.of(record)),)):
                        return
                    shown += 1
        finally:
            reader.close()


class RecordLines:
    """Converts records to PRINT's lines; shows the detected formats before the first record and when they change."""

    def __init__(self, topic: str, registry: SchemaRegistry) -> None:
        self._key = PayloadReader(topic, registry, is_key=True)
        self._value = PayloadReader(topic, registry)
        self._shown_formats = ("", "")

    def of(self, record: InputRecord) -> Iterator[str]:
        """Returns the lines of a record."""
        key, value, timestamp, partition, _, _ = record
        shown_key, shown_value = self._key.show(key), self._value.show(value)
        formats = (self._key.formats, self._value.formats)
        if formats[0] != self._shown_formats[0]:
            yield f"Key format: {formats[0]}\n"
        if formats[1] != self._shown_formats[1]:
            yield f"Value format: {formats[1]}\n"
        self._shown_formats = formats
        yield f"rowtime: {_instant(timestamp)}, key: {shown_key}, value: {shown_value}, partition: {partition}\n"


def _instant(epoch_ms: int) -> str:
    if epoch_ms < 0:
        return "N/A"
    if epoch_ms > _LATEST_MS:
        # A wrong clock, or a time in another unit: the number says more than any date.
        return f"{epoch_ms} (epoch ms)"
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y/%m/%d %H:%M:%S.") + f"{epoch_ms % 1000:03d} Z"
