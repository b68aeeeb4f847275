"""One query over ratings as a quix-streams program, which runs in the Python environment of quix-streams.

Arguments: bootstrap servers, query, ratings topic, customers topic, output topic, folder of schemas, state folder.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import fastavro
from quixstreams import Application
from quixstreams.models import Deserializer, Serializer

PREFIX = b"\x00\x00\x00\x00\x01"


class AvroReader(Deserializer):
    """Reads Avro of a known schema after Confluent's five-byte prefix."""

    def __init__(self, schema: Any) -> None:
        super().__init__()
        self._schema = schema

    def __call__(self, value: bytes, ctx: Any) -> Any:
        """The record as a dictionary."""
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schema, None)


class AvroWriter(Serializer):
    """Writes Avro of a known schema after Confluent's five-byte prefix."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def __call__(self, value: Any, ctx: Any) -> bytes:
        """The record's bytes."""
        out = io.BytesIO()
        out.write(PREFIX)
        fastavro.schemaless_writer(out, self._schema, value)
        return out.getvalue()


def merged(rating: dict[str, Any], customer: dict[str, Any] | None) -> dict[str, Any]:
    """A joined row."""
    row = {name: rating[name] for name in ("RATING_ID", "CHANNEL", "STARS", "MESSAGE")}
    if customer is not None:
        row.update(customer)
    return row


def main() -> None:
    """Run until killed."""
    servers, query, ratings, customers, output, schemas, state = sys.argv[1:8]
    schema = {
        name: fastavro.parse_schema(json.loads((Path(schemas) / f"{name}.avsc").read_text()))
        for name in ("rating", "customer", "joined")
    }
    app = Application(
        servers,
        consumer_group=output,
        auto_offset_reset="earliest",
        state_dir=state,
        producer_extra_config={"compression.type": "lz4"},
        loglevel="WARNING",
    )

    def topic(name: str, kind: str, key: str = "bytes") -> Any:
        return app.topic(
            name,
            key_deserializer=key,
            key_serializer=key,
            value_deserializer=AvroReader(schema[kind]),
            value_serializer=AvroWriter(schema[kind]),
        )

    stream = app.dataframe(topic(ratings, "rating"))
    match query:
        case "join":
            table = app.dataframe(topic(customers, "customer"))
            stream.join_asof(table, how="left", on_merge=merged).to_topic(topic(output, "joined"))
        case "filter":
            stream[stream["STARS"] < 4].to_topic(topic(output, "rating"))
        case "count":
            counts = stream.tumbling_window(60_000).count().current()
            counts.to_topic(app.topic(output, key_serializer="bytes", value_serializer="json"))
        case "rekey":
            stream.to_topic(topic(output, "rating", "str"), key=lambda row: row["CHANNEL"])
        case _:
            sys.exit(f"unknown query: {query}")
    app.run()


if __name__ == "__main__":
    main()
