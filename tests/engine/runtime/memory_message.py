"""The records of a cluster in memory."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaError

Place = tuple[str, int]


@dataclass(frozen=True)
class MemoryMessage:
    """A record, or an event of a consumer, with the methods of the library's `Message`."""

    place: Place
    at: int
    key_bytes: bytes | None = None
    value_bytes: bytes | None = None
    time: int = 0
    header_list: list[tuple[str, bytes | None]] | None = None
    problem: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.problem

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return self.key_bytes

    def value(self) -> bytes | None:
        return self.value_bytes

    def timestamp(self) -> tuple[int, int]:
        return 1, self.time

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.header_list
