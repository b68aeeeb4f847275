"""Injected faults: a test makes the next calls of an API method return an error, to see what a service does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """The response of the next `count` calls of `method`; `retry_after` in seconds, `error` is the API's error name."""

    method: str
    status: int
    count: int = 1
    retry_after: int | None = None
    error: str = ""

    def as_json(self) -> dict[str, str | int | None]:
        """The fault as `GET /api/faults` lists it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class InjectedFaults:
    """The faults that have not happened yet, in the order in which they were added."""

    def __init__(self) -> None:
        self._planned: list[InjectedFault] = []

    def plan(self, fault: InjectedFault) -> None:
        """Add a fault, after those of the same method."""
        self._planned.append(fault)

    def planned(self) -> list[InjectedFault]:
        """The faults that have not happened yet."""
        return list(self._planned)

    def clear(self) -> None:
        """Remove all faults."""
        self._planned.clear()

    def take(self, method: str) -> InjectedFault | None:
        """Return the fault for this call of `method`, if any, and count it."""
        for place, fault in enumerate(self._planned):
            if fault.method == method:
                if fault.count > 1:
                    self._planned[place] = replace(fault, count=fault.count - 1)
                else:
                    del self._planned[place]
                return fault
        return None


def parse_fault(content: Any) -> InjectedFault:
    """Parse a fault from JSON like `{"method": "chat.postMessage", "status": 429, "retry_after": 2, "count": 3}`.

    Without `status` it is 200 if there is an `error` (Slack refuses calls with status 200), else 500.

    Raises:
        ValueError: the JSON does not describe a fault; the message says why.
    """
    if not isinstance(content, Mapping):
        raise ValueError("a fault is a JSON object")
    unknown = set(content) - set(InjectedFault.__dataclass_fields__)
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}; known are {', '.join(InjectedFault.__dataclass_fields__)}")
    method, error = content.get("method"), content.get("error") or ""
    if not isinstance(method, str) or not method:
        raise ValueError("'method' names the API method, e.g. chat.postMessage")
    if not isinstance(error, str):
        raise ValueError("'error' is the API's name of the error, e.g. invalid_auth")
    retry_after = content.get("retry_after")
    return InjectedFault(
        method,
        _whole(content.get("status") or (200 if error else 500), "status", 200, 599),
        _whole(content.get("count", 1), "count", 1, 1_000_000),
        None if retry_after is None else _whole(retry_after, "retry_after", 0, 86_400),
        error,
    )


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name!r} is a whole number from {least} to {most}")
    return value
