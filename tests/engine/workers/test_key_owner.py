"""The partition that should hold a key of a table."""

import pytest

from bifrost.engine.serde import Serdes
from bifrost.engine.state.frozen import freeze_key
from bifrost.engine.workers.key_owner import key_partitioner
from bifrost.errors import SettingError
from bifrost.settings import Settings
from tests.engine.runtime.engines import execute

FOOBAR = -790332482  # Kafka's hash of b"foobar"


def partitioner(world, key_type, form):
    execute(
        world.engine(),
        f"CREATE STREAM S (K {key_type} KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, KEY_FORMAT='{form}', "
        "VALUE_FORMAT='JSON'); CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;",
    )
    (query,) = world.engines[-1].state.queries
    return key_partitioner(query.sink, Serdes())


def test_it_is_the_partition_that_kafkas_clients_choose(world):
    assert partitioner(world, "STRING", "KAFKA")(("foobar",), 4) == (FOOBAR & 0x7FFFFFFF) % 4


def test_keys_of_arrays_and_structs_as_look_ups_have_them(world):
    partition_of = partitioner(world, "STRUCT<N INT, L ARRAY<INT>>", "JSON")
    key = ({"N": 1, "L": [1, 2]},)
    assert partition_of(key, 4) is not None
    assert partition_of(freeze_key(key), 4) == partition_of(key, 4)


def test_a_null_key_has_no_partition(world):
    assert partitioner(world, "STRING", "KAFKA")((None,), 4) is None


def test_it_is_unknown_for_keys_with_registered_schemas(world):
    assert partitioner(world, "STRING", "AVRO")(("foobar",), 4) is None


def test_it_is_unknown_without_a_sink():
    assert key_partitioner(None, Serdes())(("foobar",), 4) is None


def test_the_number_of_workers_is_a_setting():
    assert Settings({"KSQL_WORKERS": "3"}).ksql_workers == 3
    assert Settings({}).ksql_workers >= 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "65"])
def test_a_wrong_number_of_workers_names_the_setting(value):
    with pytest.raises(SettingError, match="KSQL_WORKERS"):
        _ = Settings({"KSQL_WORKERS": value}).ksql_workers
