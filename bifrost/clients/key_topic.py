"""A small map of texts in a compacted topic of one partition."""

from __future__ import annotations

from collections.abc import Mapping

from bifrost.clients.topic_log import TopicLog
from bifrost.settings import Settings


class KeyTopic:
    """Reads and writes all entries of one topic; creates the topic with the first write."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = topic

    def read(self) -> dict[str, str]:
        """Return all entries; none if the topic does not exist.

        Raises:
            Unreachable: no broker answered in time.
            Refused: the broker refused access.
        """
        log = TopicLog(self._settings, self._topic)
        entries: dict[str, str] = {}
        try:
            for entry in log.read_new():
                if entry.value is None:
                    entries.pop(entry.key, None)
                else:
                    entries[entry.key] = entry.value
        finally:
            log.close()
        return entries

    def write(self, changed: Mapping[str, str | None]) -> None:
        """Set entries; `None` removes one.

        Raises:
            Unreachable: no broker accepted them in time.
            Refused: the broker refused them.
        """
        if changed:
            TopicLog(self._settings, self._topic).append_all(dict(changed))
