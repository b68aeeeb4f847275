"""Ratings look like the documents' and repeat with their seed."""

from __future__ import annotations

import io
import json
from functools import partial
from itertools import islice
from random import Random
from typing import Any

import fastavro
import pytest

from bifrost.clients import avro
from bifrost.generators.program import Workload
from bifrost.generators.ratings import CHANNELS, MESSAGES, main, rating, ratings
from bifrost.generators.sending import DemoRecord
from bifrost.settings import PROJECT

SCHEMA = json.loads((PROJECT / "topics" / "schemas" / "ratings-value.avsc").read_text())
NOW_MS = 1_528_800_546_808


def some(seed: int | None, count: int) -> list[DemoRecord]:
    encode = partial(avro.encode, 7, SCHEMA)
    return list(islice(ratings(Workload(rate=1, seed=seed), encode, lambda: NOW_MS / 1000), count))


def decoded(value: bytes) -> dict[str, Any]:
    assert value[:5] == b"\0\0\0\0\x07"
    record = fastavro.schemaless_reader(io.BytesIO(value[5:]), SCHEMA, None)
    assert isinstance(record, dict)
    return record


def test_a_rating_has_the_documents_shape():
    found = [rating(n, Random(n), NOW_MS) for n in range(2000)]

    assert list(found[0]) == [field["name"] for field in SCHEMA["fields"]]
    assert {r["user_id"] for r in found} == set(range(20))
    assert {r["stars"] for r in found} == {1, 2, 3, 4, 5}
    assert {r["channel"] for r in found} == set(CHANNELS)
    assert {r["message"] for r in found} == set(MESSAGES)
    assert {r["rating_time"] for r in found} == {NOW_MS}
    assert [r["rating_id"] for r in found] == list(range(2000))


def test_the_same_seed_makes_the_same_ratings():
    assert some(3, 50) == some(3, 50) != some(4, 50)


def test_ratings_are_avro_with_the_registrys_id():
    found = some(1, 3)

    assert [decoded(record.payload)["rating_id"] for record in found] == [1, 2, 3]
    assert {(record.topic, record.at_ms) for record in found} == {("ratings", NOW_MS)}


def test_without_a_seed_ids_begin_above_those_of_earlier_runs():
    assert decoded(some(None, 1)[0].payload)["rating_id"] > NOW_MS


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--rate", "-1"], ["--rate", "inf"], ["--count", "-1"], ["x"]])
def test_an_order_that_makes_no_sense_is_a_usage_error(arguments: list[str]):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
