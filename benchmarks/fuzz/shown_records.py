"""Records as people see them in the topic browser and among the dead letters, whatever their bytes and headers are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import cast

from benchmarks.fuzz.corpus import Input
from benchmarks.fuzz.mutation import BYTES, TEXTS, damaged, damaged_text
from benchmarks.fuzz.records import SCHEMAS
from benchmarks.fuzz.trial import Finding, Fuzzer
from bifrost.clients.schema_registry import SchemaRegistryClient, SubjectVersion
from bifrost.clients.topic_records import StoredRecord
from bifrost.console.page_json import page_json
from bifrost.errors import Refused
from bifrost.operations.dead_letter import CONNECT_PREFIX, SERVICE_PREFIX, read_letter, replayed_record
from bifrost.operations.record_filter import parse_filter
from bifrost.operations.record_text import RecordText, ValueForm
from bifrost.operations.topic_browser import shown_if

_VALUES = (
    b"\0\0\0\0\1" + b"\2\2" + b"\0" * 20,
    b'\0\0\0\0\2{"a": 1, "b": ["x"]}',
    b"\0\0\0\0\3\0\x08\x01\x12\x01x",
    b'{"a": {"b": [1, 2.5, "x"]}}',
    b"plain text",
)
_HEADERS = (
    *(f"{CONNECT_PREFIX}{name}" for name in ("topic", "partition", "offset", "exception.message", "stage")),
    *(f"{SERVICE_PREFIX}{name}" for name in ("topic", "partition", "offset", "reason", "truncated")),
)
_FILTERS = ("x", "a=1", "a.b!=2.5", '"plain text"', "a=1 x")


class _Registry:
    """The schemas of `SCHEMAS`, numbered from 1."""

    def by_id(self, schema_id: int) -> SubjectVersion:
        """The schema with an id."""
        if not 0 < schema_id <= len(SCHEMAS):
            raise Refused("Schema Registry", "by id", status=404, body="Schema not found")
        kind, text = list(SCHEMAS.items())[schema_id - 1]
        return SubjectVersion("", 0, schema_id, text, kind)


@contextmanager
def shown_records() -> Iterator[Fuzzer]:
    """Keys, values and headers of records, and filters: a page's JSON, and a letter that is read and replayed."""
    reader = RecordText(cast("SchemaRegistryClient", _Registry()))

    def make(rng: random.Random) -> Input:
        key, value = (rng.choice((part, damaged(rng, part), None)) for part in rng.choices(_VALUES, k=2))
        headers = [[rng.choice(_HEADERS), rng.choice((b"0", b"7", rng.choice(BYTES)))] for _ in range(rng.randrange(7))]
        form, wanted = rng.choice(list(ValueForm)).value, damaged_text(rng, rng.choice(_FILTERS), TEXTS)
        return Input("record", [key, value, headers, rng.choice((0, -1, 2**62)), form, wanted])

    def feed(found: Input) -> None:
        key, value, headers, time_ms, form, wanted = found.given
        record = StoredRecord("t", 0, 0, time_ms, key, value, tuple((name, data) for name, data in headers))
        shown = shown_if(record, reader, ValueForm(form), parse_filter(wanted))
        page_json(None if shown is None else asdict(shown)).decode()
        letter = read_letter(record)
        again = replayed_record(letter, "t", None)
        if (again.key, again.value) != (key, value):
            raise Finding("a replay is another record")
        page_json(asdict(letter) | {"record": letter.obstacle}).decode()

    yield Fuzzer(make, feed)
