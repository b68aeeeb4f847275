"""Computes which task holds a key of a table, so that a look-up goes to one worker process."""

from __future__ import annotations

from collections.abc import Callable

from bifrost.engine.catalog.metastore import DataSource
from bifrost.engine.runtime.windowed_partitioner import murmur2
from bifrost.engine.serde import SerdeError, Serdes
from bifrost.engine.state.frozen import Key, thaw_key

KeyPartitioner = Callable[[Key, int], int | None]
"""Returns the partition that should hold a key, given the number of partitions, or None where it is unknown."""

_WITH_REGISTERED_SCHEMAS = frozenset({"AVRO", "JSON_SR", "PROTOBUF"})


def key_partitioner(sink: DataSource | None, serdes: Serdes) -> KeyPartitioner:
    """Returns the partitioner of a table's keys.

    It returns None where it does not know: the bytes of a key in a format with registered schemas depend on
    the topic. The answer is a hint, since the rows of a table may also come from a topic that others partition.
    """
    if sink is None or sink.formats.key.format.name in _WITH_REGISTERED_SCHEMAS or not sink.schema.key:
        return lambda key, partitions: None
    encode = serdes.key_serializer(sink.topic, sink.formats.key, sink.schema.key)

    def partition(key: Key, partitions: int) -> int | None:
        try:
            data = encode(thaw_key(key))
        except SerdeError:
            return None
        return None if data is None else (murmur2(data) & 0x7FFFFFFF) % partitions

    return partition
