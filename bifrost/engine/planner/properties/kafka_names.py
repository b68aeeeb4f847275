"""The configuration names of Kafka Streams and of its consumers and producers, which ksqlDB accepts as properties."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bifrost.engine.planner.properties.values import COUNT, FLAG, SIGNED, TEXT, Choice, ValueType

_STREAMS = """
    acceptable.recovery.lag application.id application.server auto.include.jmx.reporter bootstrap.servers
    buffered.records.per.partition built.in.metrics.version cache.max.bytes.buffering client.id commit.interval.ms
    connections.max.idle.ms default.client.supplier default.deserialization.exception.handler default.dsl.store
    default.key.serde default.list.key.serde.inner default.list.key.serde.type default.list.value.serde.inner
    default.list.value.serde.type default.production.exception.handler default.timestamp.extractor default.value.serde
    deserialization.exception.handler dsl.store.suppliers.class enable.metrics.push log.summary.interval.ms
    max.task.idle.ms max.warmup.replicas metadata.max.age.ms metric.reporters metrics.num.samples
    metrics.recording.level metrics.sample.window.ms num.standby.replicas num.stream.threads poll.ms
    probing.rebalance.interval.ms processing.exception.handler processing.guarantee production.exception.handler
    rack.aware.assignment.non_overlap_cost rack.aware.assignment.strategy rack.aware.assignment.tags
    rack.aware.assignment.traffic_cost receive.buffer.bytes reconnect.backoff.max.ms reconnect.backoff.ms
    repartition.purge.interval.ms replication.factor request.timeout.ms retries retry.backoff.max.ms retry.backoff.ms
    rocksdb.config.setter security.protocol security.providers send.buffer.bytes state.cleanup.delay.ms state.dir
    statestore.cache.max.bytes task.timeout.ms topology.optimization upgrade.from window.size.ms
    windowed.inner.class.serde windowstore.changelog.additional.retention.ms
"""
_CONSUMER = """
    allow.auto.create.topics auto.commit.interval.ms auto.offset.reset check.crcs client.dns.lookup client.rack
    default.api.timeout.ms enable.auto.commit exclude.internal.topics fetch.max.bytes fetch.max.wait.ms fetch.min.bytes
    group.id group.instance.id group.protocol group.remote.assignor heartbeat.interval.ms interceptor.classes
    isolation.level key.deserializer max.partition.fetch.bytes max.poll.interval.ms max.poll.records
    partition.assignment.strategy session.timeout.ms socket.connection.setup.timeout.max.ms
    socket.connection.setup.timeout.ms value.deserializer
"""
_PRODUCER = """
    acks batch.size buffer.memory compression.gzip.level compression.lz4.level compression.type compression.zstd.level
    delivery.timeout.ms enable.idempotence key.serializer linger.ms max.block.ms max.in.flight.requests.per.connection
    max.request.size metadata.max.idle.ms partitioner.adaptive.partitioning.enable partitioner.availability.timeout.ms
    partitioner.class partitioner.ignore.keys transaction.timeout.ms transactional.id value.serializer
"""
NAMES = frozenset((_STREAMS + _CONSUMER + _PRODUCER).split())
COMPRESSION = Choice(("none", "gzip", "snappy", "lz4", "zstd"))
_FLAGS = """
    allow.auto.create.topics auto.include.jmx.reporter check.crcs enable.auto.commit enable.idempotence
    enable.metrics.push exclude.internal.topics partitioner.adaptive.partitioning.enable partitioner.ignore.keys
"""
_VALUES: Mapping[str, ValueType] = MappingProxyType(
    {
        **dict.fromkeys(_FLAGS.split(), FLAG),
        "acks": Choice(("all", "-1", "0", "1")),
        "client.dns.lookup": Choice(("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")),
        "compression.type": COMPRESSION,
        "group.protocol": Choice(("classic", "consumer")),
        "isolation.level": Choice(("read_committed", "read_uncommitted")),
        "max.in.flight.requests.per.connection": COUNT,
        "max.poll.records": COUNT,
        "metrics.recording.level": Choice(("INFO", "DEBUG", "TRACE")),
        "security.protocol": Choice(("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
    }
)
_ENDINGS_OF_NUMBERS = frozenset(
    ("ms", "bytes", "replicas", "size", "samples", "records", "factor", "threads", "lag", "memory", "retries")
)
_OPEN_GROUPS = ("ssl.", "sasl.", "topic.", "schema.registry.")
"""Groups of names that other parts define: security, settings of internal topics, the registry's client."""
_CLIENTS = ("main.consumer.", "restore.consumer.", "global.consumer.", "consumer.", "producer.", "admin.")
_STREAMS_PREFIX = "ksql.streams."


def plain_name(name: str) -> str:
    """The name without ksqlDB's and Kafka Streams' prefixes: `ksql.streams.consumer.x` is `x`."""
    plain = name.removeprefix(_STREAMS_PREFIX)
    for prefix in _CLIENTS:
        if plain.startswith(prefix):
            return plain.removeprefix(prefix)
    return plain


def is_kafka_name(name: str) -> bool:
    """Whether the name, with or without prefixes, belongs to Kafka Streams, its consumers or its producers."""
    plain = plain_name(name)
    return plain in NAMES or plain.startswith(_OPEN_GROUPS)


def value_type(name: str) -> ValueType:
    """The values that Kafka accepts for one of its properties; any text where this module does not know them."""
    plain = plain_name(name)
    if plain in _VALUES:
        return _VALUES[plain]
    return SIGNED if plain.rpartition(".")[2] in _ENDINGS_OF_NUMBERS else TEXT
