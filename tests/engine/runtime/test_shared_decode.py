"""Queries that read a topic alike share the decoding of its records, and see nothing of one another."""

import pytest

from bifrost.engine.runtime import shared_scan
from bifrost.engine.serde import Serdes
from tests.engine.runtime.engines import execute
from tests.engine.runtime.test_shared_scan import in_step

STREAM = (
    "CREATE STREAM S (K STRING KEY, A INT, B STRING, C ARRAY<INT>) "
    "WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
)
BY_A = "CREATE STREAM OUT_A AS SELECT K, A FROM S EMIT CHANGES;"
BY_B = "CREATE STREAM OUT_B AS SELECT K, B FROM S EMIT CHANGES;"
PLAIN = STREAM.replace(", C ARRAY<INT>", "")


@pytest.fixture
def decoded(monkeypatch):
    """The values that were decoded, each as often as it was decoded; no query looks slow, however busy the machine."""
    monkeypatch.setattr(shared_scan, "_AT_MOST_S", 60.0)
    values = []
    make = Serdes.decoder

    def decoder(serdes, part, needed=None):
        read = make(serdes, part, needed)

        def reading(data):
            if part.topic == "s" and not part.is_key:
                values.append(data)
            return read(data)

        return reading

    monkeypatch.setattr(Serdes, "decoder", decoder)
    return values


def send(world, count):
    for number in range(count):
        world.send("s", {"A": number, "B": f"b{number}", "C": [number]}, f"k{number}")


def test_queries_in_step_decode_a_record_once_whatever_columns_they_need(world, decoded):
    execute(world.engine(), PLAIN + BY_A + BY_B)
    in_step(world)
    send(world, 20)
    world.wait_for("OUT_A", [{"A": number} for number in range(20)])
    world.wait_for("OUT_B", [{"B": f"b{number}"} for number in range(20)])
    assert len(decoded) == len(set(decoded)) == 20


def test_values_that_could_be_changed_are_decoded_by_each_query(world, decoded):
    execute(world.engine(), STREAM + BY_A + BY_B)
    in_step(world)
    send(world, 20)
    world.wait_for("OUT_A", [{"A": number} for number in range(20)])
    world.wait_for("OUT_B", [{"B": f"b{number}"} for number in range(20)])
    assert len(decoded) == 40


def test_a_column_that_cannot_be_read_concerns_only_the_queries_that_need_it(world):
    execute(world.engine(), PLAIN + BY_A + BY_B)
    in_step(world)
    for value in ({"A": 1, "B": "x"}, {"A": "no number", "B": "y"}, {"A": 3, "B": "z"}):
        world.send("s", value, "k")
    world.wait_for("OUT_A", [{"A": 1}, {"A": 3}])
    world.wait_for("OUT_B", [{"B": "x"}, {"B": "y"}, {"B": "z"}])
    loggers = [entry["logger"] for entry in world.values("test_ksql_processing_log")]
    assert len(loggers) == 1
    assert "CSAS_OUT_A_1" in loggers[0]


def test_a_query_that_joins_or_leaves_changes_nothing_for_the_others(world):
    engine = world.engine()
    execute(engine, PLAIN + BY_A + BY_B)
    in_step(world)
    send(world, 3)
    world.wait_for("OUT_A", [{"A": 0}, {"A": 1}, {"A": 2}])
    execute(engine, "PAUSE CSAS_OUT_A_1;")
    execute(engine, "CREATE STREAM OUT_C AS SELECT K, A + 1 AS D, B FROM S EMIT CHANGES;")
    send(world, 2)
    world.wait_for("OUT_C", [{"D": n + 1, "B": f"b{n}"} for n in (0, 1, 2, 0, 1)])
    world.wait_for("OUT_B", [{"B": f"b{n}"} for n in (0, 1, 2, 0, 1)])
    execute(engine, "RESUME CSAS_OUT_A_1;")
    send(world, 1)
    world.wait_for("OUT_A", [{"A": n} for n in (0, 1, 2, 0, 1, 0)])
    execute(engine, "TERMINATE CSAS_OUT_B_2;")
    send(world, 1)
    world.wait_for("OUT_A", [{"A": n} for n in (0, 1, 2, 0, 1, 0, 0)])
