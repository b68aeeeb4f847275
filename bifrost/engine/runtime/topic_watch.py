"""Finds topics that were deleted while queries use them. Consumers and producers do not report it, or late.

After the topic of an assigned partition was deleted, librdkafka (2.16) retries its requests without end and reports
nothing. A producer keeps records for such a topic until they time out. So one thread lists the topics of the cluster
for all queries of a process. It ends when no query runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping

from bifrost.errors import BifrostError

_INTERVAL_S = 5.0
_CONFIRM_S = 1.0
_log = logging.getLogger(__name__)

OnMissing = Callable[[frozenset[str]], None]
"""Takes the missing topics, on the thread of the watch. It must not wait."""


class TopicWatch:
    """Looks for topics that do not exist any more; `list_topics` returns those that exist, and raises `BifrostError`.

    A topic is missing once two listings in succession, `confirm_s` apart, lack it: a broker may list a new topic late.
    """

    def __init__(
        self,
        list_topics: Callable[[], Collection[str] | Mapping[str, object]],
        *,
        interval_s: float = _INTERVAL_S,
        confirm_s: float = _CONFIRM_S,
    ) -> None:
        self._list_topics = list_topics
        self._interval_s = interval_s
        self._confirm_s = confirm_s
        self._changed = threading.Condition()
        self._watched: dict[OnMissing, frozenset[str]] = {}
        self._thread: threading.Thread | None = None

    def start(self, topics: Collection[str], on_missing: OnMissing) -> None:
        """Calls `on_missing` once, as soon as one of the topics is missing, unless `stop` is called before."""
        with self._changed:
            self._watched[on_missing] = frozenset(topics)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="topic watch", daemon=True)
                self._thread.start()

    def stop(self, on_missing: OnMissing) -> None:
        """Ends what `start` began; does nothing if that has ended."""
        with self._changed:
            self._watched.pop(on_missing, None)
            self._changed.notify()

    # --- the thread

    def _work(self) -> None:
        while self._wait(self._interval_s):
            try:
                self._look()
            except Exception:  # noqa: BLE001 - the top of a thread: without it, no query would notice
                _log.exception("looking for missing topics failed, trying again")

    def _wait(self, seconds: float) -> bool:
        """Waits; returns False if the thread is to end since nothing is watched."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._watched, seconds):
                self._thread = None
                return False
            return True

    def _look(self) -> None:
        suspected = self._missing()
        if not suspected or not self._pause_to_confirm():
            return
        for on_missing, topics in self._missing().items():
            confirmed = topics & suspected.get(on_missing, frozenset())
            with self._changed:
                # Under the lock, so that a query that has stopped watching gets no call any more.
                if confirmed and self._watched.pop(on_missing, None) is not None:
                    on_missing(confirmed)

    def _pause_to_confirm(self) -> bool:
        with self._changed:
            return not self._changed.wait_for(lambda: not self._watched, self._confirm_s)

    def _missing(self) -> dict[OnMissing, frozenset[str]]:
        """Returns the missing topics of those that were watched before the listing."""
        with self._changed:
            watched = dict(self._watched)
        try:
            known = frozenset(self._list_topics())
        except BifrostError as error:
            _log.debug("cannot look for missing topics, trying again: %s", error)
            return {}
        return {on_missing: topics - known for on_missing, topics in watched.items() if topics - known}
