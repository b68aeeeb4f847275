"""Finds topics that were deleted or got more partitions while queries use them. Clients do not report it, or late.

After the topic of an assigned partition was deleted, librdkafka (2.16) retries its requests without end and reports
nothing. A producer keeps records for such a topic until they time out. Consumers whose partitions are assigned do not
look for new ones. So one thread lists the topics of the cluster for all queries of a process. It ends when no query
runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bifrost.errors import BifrostError

_INTERVAL_S = 5.0
_CONFIRM_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicChanges:
    """What has become of watched topics: those `missing`, and the partition counts of those that have `grown`."""

    missing: frozenset[str]
    grown: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Watched:
    topics: frozenset[str]
    counts: Mapping[str, int]

    def grown(self, known: Mapping[str, int]) -> dict[str, int]:
        """Returns the topics that have more partitions than at first."""
        return {topic: known[topic] for topic, count in self.counts.items() if known.get(topic, 0) > count}


OnChange = Callable[[TopicChanges], None]
"""Takes changes, on the thread of the watch. It must not wait."""


class TopicWatch:
    """Looks for topics that do not exist any more, and for new partitions.

    `list_topics` returns the topics that exist, with their partition counts, and raises `BifrostError`.

    A topic is missing once two listings in succession, `confirm_s` apart, lack it: a broker may list a new topic late.
    """

    def __init__(
        self,
        list_topics: Callable[[], Mapping[str, int]],
        *,
        interval_s: float = _INTERVAL_S,
        confirm_s: float = _CONFIRM_S,
    ) -> None:
        self._list_topics = list_topics
        self._interval_s = interval_s
        self._confirm_s = confirm_s
        self._changed = threading.Condition()
        self._watched: dict[OnChange, _Watched] = {}
        self._thread: threading.Thread | None = None

    def start(self, topics: Collection[str], counts: Mapping[str, int], on_change: OnChange) -> None:
        """Watches topics, unless `stop` is called before.

        It calls `on_change` once, as soon as one of the topics is missing, or has more partitions than `counts` says.
        """
        with self._changed:
            self._watched[on_change] = _Watched(frozenset(topics), dict(counts))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="topic watch", daemon=True)
                self._thread.start()

    def stop(self, on_change: OnChange) -> None:
        """Ends what `start` began; does nothing if that has ended."""
        with self._changed:
            self._watched.pop(on_change, None)
            self._changed.notify()

    # --- the thread

    def _work(self) -> None:
        while self._wait(self._interval_s):
            try:
                self._look()
            except Exception:  # noqa: BLE001 - the top of a thread: without it, no query would notice
                _log.exception("looking for changes of topics failed, trying again")

    def _wait(self, seconds: float) -> bool:
        """Waits; returns False if the thread is to end since nothing is watched."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._watched, seconds):
                self._thread = None
                return False
            return True

    def _look(self) -> None:
        suspected = self._changes()
        missing = {on_change for on_change, found in suspected.items() if found.missing}
        for on_change in suspected.keys() - missing:
            self._report(on_change, suspected[on_change])
        if not missing or not self._pause_to_confirm():
            return
        for on_change, found in self._changes().items():
            confirmed = found.missing & suspected[on_change].missing if on_change in missing else frozenset()
            if confirmed:
                self._report(on_change, TopicChanges(confirmed, found.grown))

    def _report(self, on_change: OnChange, changes: TopicChanges) -> None:
        with self._changed:
            # Under the lock, so that a query that has stopped watching gets no call any more.
            if self._watched.pop(on_change, None) is not None:
                on_change(changes)

    def _pause_to_confirm(self) -> bool:
        with self._changed:
            return not self._changed.wait_for(lambda: not self._watched, self._confirm_s)

    def _changes(self) -> dict[OnChange, TopicChanges]:
        """Returns the changes of those topics that were watched before the listing."""
        with self._changed:
            watched = dict(self._watched)
        try:
            known = self._list_topics()
        except BifrostError as error:
            _log.debug("cannot look for changes of topics, trying again: %s", error)
            return {}
        found = {
            on_change: TopicChanges(each.topics - known.keys(), each.grown(known))
            for on_change, each in watched.items()
        }
        return {on_change: changes for on_change, changes in found.items() if changes.missing or changes.grown}
