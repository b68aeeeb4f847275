"""What the server and its worker processes send to each other. Both run the same code, so messages are pickled."""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.plan.steps import QueryPlan
from bifrost.engine.runtime.batches import PartitionId
from bifrost.engine.runtime.meters import QueryMeters, StoreSize
from bifrost.engine.runtime.processing_log import LogCount
from bifrost.engine.runtime.runner import QueryError, QueryState
from bifrost.engine.state.frozen import Key
from bifrost.engine.topology.lookup import MaterializedRow

T = TypeVar("T")


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduced(mapping: MappingProxyType[Any, Any]) -> tuple[Callable[..., MappingProxyType[Any, Any]], tuple[Any, ...]]:
    return _read_only, (dict(mapping),)


# Plans hold read-only mappings, such as the properties of formats, which Python cannot pickle by itself.
copyreg.pickle(MappingProxyType, _reduced)


@dataclass(frozen=True)
class Request(Generic[T]):
    """A request to a worker, which answers with a `T` or with a `RequestFailed`."""

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return type(self).__name__


@dataclass(frozen=True)
class Greeting(Request[int]):
    """Asks for the process id: the worker answers once it has started."""


@dataclass(frozen=True)
class StartShare(Request[None]):
    """Starts the worker's share of a query. A stopped query of the same id ends before."""

    plan: QueryPlan
    properties: Mapping[str, str]
    sink: DataSource | None
    paused: bool

    @property
    def query_id(self) -> str:
        """The query id."""
        return self.plan.query_id

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return f"start {self.query_id}"


class ShareAction(Enum):
    """What a worker can do with its share of a query. STOP and AWAIT_END wait; see `QueryRunner`."""

    PAUSE = "PAUSE"
    RESUME = "RESUME"
    REQUEST_STOP = "REQUEST_STOP"
    STOP = "STOP"
    AWAIT_END = "AWAIT_END"


@dataclass(frozen=True)
class ControlShare(Request[bool]):
    """Carries out an action. The answer to STOP is whether the query has ended; other answers are True."""

    query_id: str
    action: ShareAction

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return f"{self.action.value} {self.query_id}"


@dataclass(frozen=True)
class ShareStatus:
    """The state of a worker's share of a query; `restored` and `store_sizes` are those of `QueryRunner`."""

    state: QueryState
    errors: tuple[QueryError, ...]
    meters: QueryMeters
    offsets: Mapping[PartitionId, tuple[int, int]]
    restored: tuple[int, int]
    store_sizes: Mapping[str, StoreSize]
    logged: LogCount


@dataclass(frozen=True)
class GetStatuses(Request[Mapping[str, ShareStatus]]):
    """Asks for the status of all shares of the worker, by query id."""

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return "read the status of queries"


@dataclass(frozen=True)
class LookUpRows(Request[list[list[MaterializedRow]]]):
    """Asks for the rows of each key in turn, from the worker's tasks."""

    query_id: str
    keys: tuple[Key, ...]

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return f"read the state of {self.query_id}"


@dataclass(frozen=True)
class ScanRows(Request[list[MaterializedRow]]):
    """Asks for all rows of the worker's tasks."""

    query_id: str

    @property
    def text(self) -> str:
        """The request as errors name it."""
        return f"read the state of {self.query_id}"


@dataclass(frozen=True)
class RequestFailed:
    """The parts of a `NotReady` that the worker raised."""

    system: str
    request: str
    problem: str
