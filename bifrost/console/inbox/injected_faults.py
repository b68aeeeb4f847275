"""Faults that a test orders: the next calls of an API method answer with an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """How the next `count` calls of `method` answer; `retry_after` in seconds, `error` is the API's error name."""

    method: str
    status: int
    count: int = 1
    retry_after: int | None = None
    error: str = ""

    def as_json(self) -> dict[str, str | int | None]:
        """The fault as `GET /api/faults` lists it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class InjectedFaults:
    """The faults that are still to come, in the order of their arrival."""

    def __init__(self) -> None:
        self._planned: list[InjectedFault] = []

    def plan(self, fault: InjectedFault) -> None:
        """Let a fault happen after those that are planned for its method."""
        self._planned.append(fault)

    def planned(self) -> list[InjectedFault]:
        """What is still to come."""
        return list(self._planned)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._planned.clear()

    def take(self, method: str) -> InjectedFault | None:
        """The fault that this call of `method` meets, used up by one."""
        for place, fault in enumerate(self._planned):
            if fault.method == method:
                if fault.count > 1:
                    self._planned[place] = replace(fault, count=fault.count - 1)
                else:
                    del self._planned[place]
                return fault
        return None


def parse_fault(order: Any) -> InjectedFault:
    """A fault from JSON like `{"method": "chat.postMessage", "status": 429, "retry_after": 2, "count": 3}`.

    Without `status` it is 200 when an `error` is named (Slack's way to say no), else 500.

    Raises:
        ValueError: the order does not say what shall happen; the message tells what is wrong.
    """
    if not isinstance(order, Mapping):
        raise ValueError("a fault is a JSON object")
    unknown = set(order) - set(InjectedFault.__dataclass_fields__)
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}; known are {', '.join(InjectedFault.__dataclass_fields__)}")
    method, error = order.get("method"), order.get("error") or ""
    if not isinstance(method, str) or not method:
        raise ValueError("'method' names the API method, e.g. chat.postMessage")
    if not isinstance(error, str):
        raise ValueError("'error' is the API's name of the error, e.g. invalid_auth")
    retry_after = order.get("retry_after")
    return InjectedFault(
        method,
        _whole(order.get("status") or (200 if error else 500), "status", 200, 599),
        _whole(order.get("count", 1), "count", 1, 1_000_000),
        None if retry_after is None else _whole(retry_after, "retry_after", 0, 86_400),
        error,
    )


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name!r} is a whole number from {least} to {most}")
    return value
