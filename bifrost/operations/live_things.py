"""Finds what runs by the name that a person types: connectors, queries, services and components."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase

from bifrost.clients.connect import root_cause
from bifrost.deployer.declared.files import ALERT_SERVICE, read_services
from bifrost.deployer.live.state import Platform
from bifrost.errors import OperationRefused, RemoteError
from bifrost.settings import Settings

_STATEMENT = "statement"
"""A statement is operated through the queries that write its stream or table."""


class ThingKind(StrEnum):
    """The kinds of things that can be paused, stopped or restarted."""

    CONNECTOR = "connector"
    QUERY = "query"
    SERVICE = "service"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class LiveThing:
    """Something that runs, or could.

    `state` is in the words of Connect and ksqlDB (`RUNNING`, `PAUSED`, ...), `cause` is empty unless it failed, and
    `sinks` are the streams and tables that a query writes.
    """

    kind: ThingKind
    name: str
    state: str
    cause: str = ""
    sinks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def service_names(settings: Settings) -> frozenset[str]:
    """The names of the project's services; other components belong to the platform."""
    return frozenset({ALERT_SERVICE, *(service.name for service in read_services(settings.project / "services"))})


def find_live(platform: Platform, services: Collection[str], text: str) -> tuple[LiveThing, ...]:
    """The things that a name means: `NAME` or `KIND:NAME`, with `*` and `?`; case does not matter.

    A query is found by its id, and by the stream or table that it writes (`statement:NAME`). Patterns select components
    only after `component:`.

    Raises:
        OperationRefused: nothing has the name, or things of several kinds have it.
        RemoteError: nothing was found in what answers, and a part does not answer.
    """
    kind, name = _split(text)
    found, others, failure = _search(platform, services, kind, name)
    if not found and failure is not None:
        raise failure
    if not found:
        raise OperationRefused(_unknown(text, name, others, has_services=platform.services is not None))
    # Connect and ksqlDB distinguish upper and lower case, and permit * and ? in names.
    exact = {thing.kind for thing in found if thing.name == name}
    found = tuple(thing for thing in found if thing.kind not in exact or thing.name == name)
    kinds = {thing.kind for thing in found}
    if len(kinds) > 1 and (exact or not is_pattern(name)):
        choices = " or ".join(f"{thing.kind}:{thing.name}" for thing in found)
        raise OperationRefused(f"{text} means several things; write {choices}")
    return found


def live_things(platform: Platform, services: Collection[str], kind: ThingKind) -> tuple[LiveThing, ...]:
    """Everything of one kind, sorted by name."""
    match kind:
        case ThingKind.CONNECTOR:
            return tuple(_connectors(platform))
        case ThingKind.QUERY:
            queries = platform.ksqldb.queries()
            things = (LiveThing(kind, query.id, query.state, sinks=query.sinks) for query in queries)
            return tuple(sorted(things, key=lambda thing: thing.name))
        case ThingKind.SERVICE:
            return tuple(thing for thing in _supervised(platform, services) if thing.kind is kind)
        case ThingKind.COMPONENT:
            return tuple(thing for thing in _supervised(platform, services) if thing.kind is kind)


def _search(
    platform: Platform, services: Collection[str], kind: str, name: str
) -> tuple[tuple[LiveThing, ...], list[str], RemoteError | None]:
    """What fits, the names of everything else, and the first part that did not answer."""
    found: list[LiveThing] = []
    others: list[str] = []
    failure: RemoteError | None = None
    for readers_kind, read in _readers(platform, services):
        if kind and kind not in (readers_kind, _alias(readers_kind)):
            continue
        if readers_kind is ThingKind.COMPONENT and not kind and is_pattern(name):
            continue
        try:
            things = read()
        except RemoteError as error:
            failure = failure or error
            continue
        fitting = [thing for thing in things if _fits(thing, name, by_sink=kind in ("", _STATEMENT, ThingKind.QUERY))]
        others += [thing.name for thing in things]
        found += fitting
        if fitting and readers_kind in (ThingKind.SERVICE, ThingKind.COMPONENT) and not is_pattern(name):
            # The names of processes are ours alone, and one must be restartable while Connect or ksqlDB is down.
            break
    return tuple(found), others, failure


def _readers(
    platform: Platform, services: Collection[str]
) -> Iterator[tuple[ThingKind, Callable[[], tuple[LiveThing, ...]]]]:
    order = (ThingKind.SERVICE, ThingKind.COMPONENT, ThingKind.CONNECTOR, ThingKind.QUERY)
    for kind in order:
        yield kind, lambda kind=kind: live_things(platform, services, kind)  # type: ignore[misc]  # bound in the loop


def _alias(kind: ThingKind) -> str:
    return _STATEMENT if kind is ThingKind.QUERY else ""


def _split(text: str) -> tuple[str, str]:
    kind, sign, name = text.partition(":")
    is_kind = sign and kind.lower() in (*ThingKind, _STATEMENT)
    return (kind.lower(), name) if is_kind else ("", text)


def is_pattern(name: str) -> bool:
    """Whether a name selects by `*` or `?`."""
    return "*" in name or "?" in name


def _fits(thing: LiveThing, pattern: str, *, by_sink: bool) -> bool:
    names = (thing.name, *(thing.sinks if by_sink else ()))
    return any(is_matched(name, pattern) for name in names)


def is_matched(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern with `*` and `?`; case does not matter, and brackets stand for themselves."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def _unknown(text: str, name: str, others: list[str], *, has_services: bool) -> str:
    known = {other.lower(): other for other in others}
    similar = [known[match] for match in get_close_matches(name.lower(), known)]
    hint = f"did you mean {' or '.join(similar)}?" if similar else "`status` lists the names"
    where = (
        "" if has_services else "; the services and components of this target are not started by Bifrost's supervisor"
    )
    return f"nothing that runs is named {text!r}; {hint}{where}"


def _connectors(platform: Platform) -> Iterator[LiveThing]:
    for name, status in sorted(platform.connect.statuses().items()):
        failed = [task for task in status.tasks if task.state == "FAILED"]
        traces = [trace for trace in (status.trace, *(task.trace for task in failed)) if trace]
        state = "FAILED" if failed else status.state
        yield LiveThing(ThingKind.CONNECTOR, name, state, root_cause(traces[0]) if traces else "")


def _supervised(platform: Platform, services: Collection[str]) -> Iterator[LiveThing]:
    if platform.services is None:
        return
    for status in sorted(platform.services.status(), key=lambda status: status.name):
        kind = ThingKind.SERVICE if status.name in services else ThingKind.COMPONENT
        yield LiveThing(kind, status.name, "RUNNING" if status.is_up else status.state.upper(), status.cause)
