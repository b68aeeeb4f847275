"""Measures rows per second and core for reading and writing each format, with fastavro for comparison.

    python -m benchmarks.serde

Each figure is the best of several short runs, interleaved so that other load affects all of them.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import fastavro

from bifrost.engine.catalog.schema import FormatInfo, LogicalSchema, ValueFormat
from bifrost.engine.serde import InMemoryRegistry, Serdes
from bifrost.sql.types import BIGINT, INTEGER, STRING

COLUMNS = LogicalSchema.of(
    value=(
        ("RATING_ID", BIGINT),
        ("USER_ID", INTEGER),
        ("STARS", INTEGER),
        ("ROUTE_ID", INTEGER),
        ("RATING_TIME", BIGINT),
        ("CHANNEL", STRING),
        ("MESSAGE", STRING),
    )
).value
ROW = (123456, 17, 3, 4567, 1_700_000_000_123, "iOS-test", "why is it so difficult to keep the bathrooms clean ?")
NEEDED = frozenset({"USER_ID", "STARS"})
ROUNDS, CALLS = 20, 10_000


def calls(registry: InMemoryRegistry) -> dict[str, Callable[[], Any]]:
    """The measured functions by name."""
    serdes = Serdes(registry)
    made: dict[str, Callable[[], Any]] = {}
    for name in ("AVRO", "JSON", "JSON_SR", "PROTOBUF", "DELIMITED"):
        form = ValueFormat(FormatInfo(name))
        write = serdes.value_serializer("t", form, COLUMNS)
        read = serdes.value_deserializer("t", form, COLUMNS)
        some = serdes.value_deserializer("t", form, COLUMNS, NEEDED)
        data = write(ROW)
        made[f"{name} write"] = lambda write=write: write(ROW)
        made[f"{name} read"] = lambda read=read, data=data: read(data)
        made[f"{name} read 2 of 7 columns"] = lambda some=some, data=data: some(data)
    return made | fastavro_calls(registry.by_id(1).text)


def fastavro_calls(text: str) -> dict[str, Callable[[], Any]]:
    """The same AVRO rows through fastavro."""
    schema = fastavro.parse_schema(json.loads(text))
    names = [column.name for column in COLUMNS]
    pick = itemgetter(*names)

    def write() -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, dict(zip(names, ROW, strict=True)))
        return out.getvalue()

    data = write()
    return {
        "fastavro write": write,
        "fastavro read": lambda: pick(fastavro.schemaless_reader(io.BytesIO(data), schema, None)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    measured = calls(InMemoryRegistry())
    best = dict.fromkeys(measured, float("inf"))
    for _ in range(args.rounds):
        for name, call in measured.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:32} {CALLS / seconds / 1000:8.0f} k rows/s")


if __name__ == "__main__":
    main()
