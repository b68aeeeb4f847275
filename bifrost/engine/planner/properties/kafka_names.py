"""The configuration names of Kafka Streams and of its consumers and producers, which ksqlDB accepts as properties."""

from __future__ import annotations

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


def is_number(name: str) -> bool:
    """Whether the property's value is a whole number, as its name's last part says."""
    endings = ("ms", "bytes", "replicas", "size", "samples", "records", "factor", "threads", "lag", "memory", "retries")
    return plain_name(name).rpartition(".")[2] in endings
