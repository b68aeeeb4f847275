"""Determines which pipeline owns what, by the names of the project's files: a pipeline's name recurs in all folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bifrost.alerts import QuietHours, alert_files, read_alerts
from bifrost.errors import AnalysisError, DeclarationError, ParseError
from bifrost.sql.parser import parse_script
from bifrost.sql.tree import CreateAsSelect, CreateSource

_GROUP = re.compile(r'^GROUP = "(.+)"$', re.M)
_ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class GroupReader:
    """The reader behind a consumer group: a service, or an alert of the service `alerts`.

    During the `quiet` hours of an alert its records wait on purpose.
    """

    name: str
    service: str
    pipeline: str
    quiet: QuietHours | None = None

    def is_quiet(self, at: float) -> bool:
        """Whether records wait at a moment (seconds since the epoch)."""
        return self.quiet is not None and self.quiet.end(datetime.fromtimestamp(at, UTC)) is not None


@dataclass(frozen=True, slots=True)
class PipelineOwners:
    """The pipeline of each stream or table and of each service, and the reader of each consumer group."""

    sources: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, GroupReader] = field(default_factory=dict)


class PipelineOwnersReader:
    """Reads the owners from files, again whenever a file has changed."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._seen: dict[Path, int] = {}
        self._owners = PipelineOwners()

    def read(self) -> PipelineOwners:
        """The current owners; a file that is malformed at the moment contributes nothing."""
        statements = sorted((self._project / "ksql").glob("*.sql"))
        modules = sorted((self._project / "services").glob("*_*.py"))
        alerts = self._project / _ALERTS
        seen = {path: path.stat().st_mtime_ns for path in (*statements, *modules, *alert_files(alerts))}
        # Every snapshot reads the owners; parsing all statements each time would cost more than the rest of
        # it.
        if seen != self._seen:
            sources = {name: path.stem for path in statements for name in _created(path)}
            readers = dict((*_services(modules), *_alerts(alerts, frozenset(sources.values()))))
            self._owners = PipelineOwners(sources, {path.stem: _prefix(path.stem) for path in modules}, readers)
            self._seen = seen
        return self._owners


def _created(path: Path) -> Iterator[str]:
    try:
        parsed = parse_script(path.read_text(encoding="utf-8"))
    except (ParseError, AnalysisError):
        return
    for statement in parsed:
        if isinstance(statement.tree, CreateSource | CreateAsSelect):
            yield statement.tree.name


def _services(modules: list[Path]) -> Iterator[tuple[str, GroupReader]]:
    for path in modules:
        for group in _GROUP.findall(path.read_text(encoding="utf-8")):
            yield group, GroupReader(path.stem, path.stem, _prefix(path.stem))


def _alerts(folder: Path, pipelines: frozenset[str]) -> Iterator[tuple[str, GroupReader]]:
    wrong: list[DeclarationError] = []
    for alert in read_alerts(folder, wrong.append):
        owner = _prefix(alert.name)
        yield alert.group, GroupReader(alert.name, _ALERTS, owner if owner in pipelines else "", alert.quiet)


def _prefix(name: str) -> str:
    return name.partition("_")[0]
