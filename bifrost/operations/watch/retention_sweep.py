"""Deletes what is older than its retention: documents of the search engine, and objects of the embedded S3 store.

Topics need no sweep: the broker applies their retention.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from bifrost.clients import s3
from bifrost.clients.s3 import S3Client
from bifrost.clients.search import SearchClient
from bifrost.clients.search_retention import SearchRetention, own_patterns, retention_of
from bifrost.errors import RemoteError, SettingError
from bifrost.metrics.families import Counter
from bifrost.settings import Settings

FIRST_S = 600.0
INTERVAL_S = 3600.0
MOST_PER_SWEEP = 20_000
"""Of one template or bucket: a sweep must not delay the watcher. When more is left, the next look continues."""

DELETED = Counter(
    "bifrost_retention_deleted_total", "Documents and objects deleted by their retention", "store", "name"
)

_log = logging.getLogger("watch")


@dataclass(slots=True)
class RetentionSweep:
    """Sweeps about once an hour, the first time ten minutes after the start.

    `object_days` are the days that objects of S3 stay, 0 for good.
    """

    search: SearchClient | None
    s3: S3Client | None
    object_days: int
    clock: Callable[[], float]
    now: Callable[[], datetime]
    _due: float = field(init=False)

    def __post_init__(self) -> None:
        self._due = self.clock() + FIRST_S

    def look(self) -> None:
        """Sweep if it is due. A store that does not answer is swept next time."""
        if self.clock() < self._due:
            return
        counts = [*self._sweep_search(), *self._sweep_s3()]
        is_done = all(count < MOST_PER_SWEEP for count in counts)
        self._due = self.clock() + (INTERVAL_S if is_done else 0)

    def _sweep_search(self) -> Iterator[int]:
        if self.search is None:
            return
        try:
            templates = self.search.templates()
        except RemoteError as error:
            _log.warning("retention: %s", error)
            return
        for name, template in sorted(templates.items()):
            try:
                retention = retention_of(template)
            except ValueError as error:
                _log.warning("retention of index template %s: %s", name, error)
                continue
            if retention is not None:
                retention = replace(retention, patterns=own_patterns(name, templates))
                yield self._deleted("search", name, partial(_delete_documents, self.search, retention))

    def _sweep_s3(self) -> Iterator[int]:
        if self.s3 is None or not self.object_days:
            return
        before = self.now() - timedelta(days=self.object_days)
        try:
            buckets = sorted(self.s3.buckets())
        except RemoteError as error:
            _log.warning("retention: %s", error)
            return
        for bucket in buckets:
            yield self._deleted("s3", bucket, partial(self.s3.delete_older, bucket, before, most=MOST_PER_SWEEP))

    def _deleted(self, store: str, name: str, work: Callable[[], int]) -> int:
        try:
            count = work()
        except RemoteError as error:
            _log.warning("retention of %s %s: %s", store, name, error)
            return 0
        if count:
            _log.info("retention: deleted %d from %s %s", count, store, name)
        DELETED.add(store, name, by=count)
        return count


def _delete_documents(search: SearchClient, retention: SearchRetention) -> int:
    return search.indices.delete_older(retention.patterns, retention.field, retention.days, most=MOST_PER_SWEEP)


def sweep_of(settings: Settings, search: SearchClient | None, clock: Callable[[], float]) -> RetentionSweep:
    """The sweep of the stores of the embedded platform. Other stores have a retention that it does not know.

    Raises:
        SettingError: S3_RETENTION_DAYS is not a number of days.
    """
    days = settings.get("S3_RETENTION_DAYS", "0")
    if not days.isascii() or not days.isdigit() or len(days) > 5:
        raise SettingError("S3_RETENTION_DAYS", f"{days!r} is not a number of days (0 to 99999)")
    if int(days) and not _is_own(settings, "s3"):
        _log.warning("S3_RETENTION_DAYS has no effect: S3_ENDPOINT is not the embedded store; use its lifecycle rules")
    store = s3.from_settings(settings) if _is_own(settings, "s3") else None
    engine = search if _is_own(settings, "search") else None
    return RetentionSweep(engine, store, int(days), clock, lambda: datetime.now(UTC))


def _is_own(settings: Settings, part: Literal["s3", "search"]) -> bool:
    url = settings.endpoints.s3 if part == "s3" else settings.endpoints.search
    return url.rstrip("/") == settings.local_url(part)
