"""The table of ksqlDB's documented properties: default, values, and what this engine does with each.

SHOW PROPERTIES, SET, requests, the server's start and docs/reference/properties.md all use this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from bifrost.engine.planner.ddl.with_clause import FORMATS
from bifrost.engine.planner.properties.kafka_names import COMPRESSION
from bifrost.engine.planner.properties.values import (
    COUNT,
    FLAG,
    INT_MAX,
    INTEGER,
    LONG,
    LONG_MAX,
    SIGNED,
    TEXT,
    Choice,
    ValueType,
)


class Effect(Enum):
    """What the engine does with a property; the value is the word in SHOW PROPERTIES and in the documentation."""

    HONOURED = "honoured"
    IGNORED = "ignored"
    """It is accepted with a warning."""
    FIXED = "fixed"
    """Only the default is supported; other values are refused."""
    SERVER = "server"
    """Only the server's configuration sets it; SET and requests are refused."""


@dataclass(frozen=True, slots=True)
class PropertyRule:
    """One property. `default` is None if it has none; `level` and `is_editable` are ksqlDB's; `note` says why."""

    name: str
    default: str | None
    values: ValueType
    effect: Effect
    note: str = ""
    level: str = "SERVER"
    is_editable: bool = False


_HIDDEN = "_confluent.*,__confluent.*,_schemas,__consumer_offsets,__transaction_state"
_FORMATS = Choice(tuple(sorted(FORMATS)))
_OFFSETS = Choice(("earliest", "latest"))
_GUARANTEES = Choice(("at_least_once", "exactly_once", "exactly_once_v2", "exactly_once_beta"))
_BUFFER = "0 emits every change of a table; else by table and partition, until a commit; ksqlDB: 10000000"
_ONE_SERVER = "one server answers all pull queries from its own state"
_NO_PUSH_V2 = "every push query runs as a separate query"
_NO_HEARTBEAT = "the engine is one server"
_LOG = "the processing log is always written to its topic"
_CLEAN_UP = "push queries clean up at their end"
_SKIPS = "records that cannot be processed are logged and skipped"


def _honoured(
    name: str,
    default: str | None,
    values: ValueType,
    note: str = "",
    *,
    level: str = "SERVER",
    is_editable: bool = False,
) -> PropertyRule:
    return PropertyRule(name, default, values, Effect.HONOURED, note, level, is_editable)


_HONOURED = (
    _honoured("ksql.assert.schema.default.timeout.ms", "1000", LONG),
    _honoured("ksql.assert.topic.default.timeout.ms", "1000", LONG),
    _honoured(
        "ksql.cast.strings.preserve.nulls",
        "true",
        FLAG,
        "otherwise CAST turns null into the text `null`",
        level="QUERY",
        is_editable=True,
    ),
    _honoured("ksql.create.or.replace.enabled", "true", FLAG),
    _honoured("ksql.fail.on.deserialization.error", "false", FLAG, "otherwise such records are logged and skipped"),
    _honoured("ksql.functions.collect_list.limit", None, LONG),
    _honoured("ksql.functions.collect_set.limit", None, LONG),
    _honoured("ksql.headers.columns.enabled", "true", FLAG),
    _honoured("ksql.hidden.topics", _HIDDEN, TEXT, "regular expressions of topics that SHOW TOPICS leaves out"),
    _honoured("ksql.insert.into.values.enabled", "true", FLAG),
    _honoured("ksql.lambdas.enabled", "true", FLAG),
    _honoured("ksql.output.topic.name.prefix", "", TEXT),
    _honoured("ksql.persistence.default.format.key", "KAFKA", _FORMATS),
    _honoured("ksql.persistence.default.format.value", None, _FORMATS),
    _honoured("ksql.persistence.wrap.single.values", None, FLAG),
    _honoured("ksql.pull.queries.enable", "true", FLAG),
    _honoured("ksql.query.persistent.active.limit", str(INT_MAX), INTEGER),
    _honoured("ksql.query.pull.limit.clause.enabled", "true", FLAG),
    _honoured("ksql.query.pull.range.scan.enabled", "true", FLAG),
    _honoured("ksql.query.pull.stream.enabled", "true", FLAG),
    _honoured("ksql.query.pull.table.scan.enabled", "true", FLAG, level="QUERY", is_editable=True),
    _honoured("ksql.server.command.response.timeout.ms", "5000", LONG),
    _honoured("ksql.source.table.materialization.enabled", "true", FLAG),
    _honoured("ksql.streams.auto.offset.reset", "latest", _OFFSETS, is_editable=True),
    _honoured("ksql.streams.cache.max.bytes.buffering", "0", LONG, _BUFFER, is_editable=True),
    _honoured(
        "ksql.streams.commit.interval.ms",
        "2000",
        INTEGER,
        "100 with exactly-once, at most 30000 there",
        is_editable=True,
    ),
    _honoured("ksql.streams.processing.guarantee", "at_least_once", _GUARANTEES, is_editable=True),
    _honoured("ksql.streams.statestore.cache.max.bytes", "0", LONG, "the newer name; counts if both are set"),
    _honoured("ksql.suppress.enabled", "true", FLAG),
    _honoured(
        "ksql.timestamp.throw.on.invalid",
        "false",
        FLAG,
        "otherwise such records are logged and skipped",
        level="QUERY",
        is_editable=True,
    ),
    _honoured("ksql.variable.substitution.enable", "true", FLAG),
)


def _fixed(name: str, default: str, note: str, *, of_queries: bool = False) -> PropertyRule:
    return PropertyRule(name, default, FLAG, Effect.FIXED, note, "QUERY" if of_queries else "SERVER", of_queries)


_FIXED = (
    _fixed("ksql.fail.on.production.error", "false", f"{_SKIPS}; ksqlDB: true"),
    _fixed("ksql.functions.substring.legacy.args", "false", "SUBSTRING counts from 1"),
    _fixed("ksql.nested.error.set.null", "true", "an error inside an expression makes the part null", of_queries=True),
    _fixed("ksql.query.pull.enable.standby.reads", "false", _ONE_SERVER),
    _fixed("ksql.query.push.v2.enabled", "false", _NO_PUSH_V2),
    _fixed("ksql.runtime.feature.shared.enabled", "false", "every query runs by itself"),
)


def _of_server(name: str, default: str | None, note: str) -> PropertyRule:
    return PropertyRule(name, default, TEXT, Effect.SERVER, note)


_OF_SERVER = (
    _of_server("ksql.connect.url", None, "from the server's settings"),
    _of_server("ksql.extension.dir", "ksql/udf", "Python functions, see ksql/udf"),
    _of_server("ksql.properties.overrides.denylist", "", "properties that clients cannot set, separated by commas"),
    _of_server("ksql.schema.registry.url", None, "from the server's settings"),
    _of_server("ksql.service.id", "default_", "from the server's settings"),
    _of_server("ksql.streams.application.server", None, "from the server's settings"),
    _of_server("ksql.streams.bootstrap.servers", None, "from the server's settings"),
)


def _ignored(
    name: str,
    default: str | None,
    values: ValueType,
    note: str,
    *,
    level: str = "SERVER",
    is_editable: bool = False,
) -> PropertyRule:
    return PropertyRule(name, default, values, Effect.IGNORED, note, level, is_editable)


_IGNORED = (
    _ignored("ksql.client.ip_port.configuration.enabled", "false", FLAG, "the engine is one server"),
    _ignored("ksql.connect.request.headers.plugin", None, TEXT, "the engine loads no Java classes"),
    _ignored("ksql.endpoint.migrate.query", "true", FLAG, "both endpoints have one implementation"),
    _ignored("ksql.fetch.remote.hosts.max.timeout.seconds", "10", LONG, _ONE_SERVER),
    _ignored("ksql.json_sr.converter.deserializer.enabled", "true", FLAG, "the engine has its own converter"),
    _ignored("ksql.metrics.extension", None, TEXT, "the engine loads no Java classes"),
    _ignored("ksql.query.pull.forwarding.timeout.ms", "20000", LONG, _ONE_SERVER),
    _ignored("ksql.streams.default.deserialization.exception.handler", None, TEXT, _SKIPS),
    _ignored("ksql.streams.default.production.exception.handler", None, TEXT, _SKIPS),
    _ignored("ksql.access.validator.enable", "auto", Choice(("on", "off", "auto")), "the broker checks access"),
    _ignored("ksql.advertised.listener", None, TEXT, _NO_HEARTBEAT),
    _ignored("ksql.authorization.cache.expiry.time.secs", "30", LONG, "the broker checks access"),
    _ignored("ksql.authorization.cache.max.entries", "10000", LONG, "the broker checks access"),
    _ignored("ksql.connect.basic.auth.credentials.file", "", TEXT, "credentials come from the settings"),
    _ignored("ksql.connect.basic.auth.credentials.reload", "false", FLAG, "credentials come from the settings"),
    _ignored("ksql.connect.basic.auth.credentials.source", "NONE", TEXT, "credentials come from the settings"),
    _ignored("ksql.connect.request.timeout.ms", "5000", LONG, "the client's own time-out applies"),
    _ignored("ksql.connect.worker.config", "", TEXT, "Connect runs as a separate component"),
    _ignored("ksql.deployment.type", "selfManaged", TEXT, "it only labels ksqlDB's metrics"),
    _ignored("ksql.endpoint.logging.ignored.paths.regex", "", TEXT, "requests are not logged"),
    _ignored("ksql.endpoint.logging.log.queries", "false", FLAG, "requests are not logged"),
    _ignored("ksql.error.classifier.regex", "", TEXT, "errors are not classified"),
    _ignored("ksql.heartbeat.check.interval.ms", "200", LONG, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.discover.interval.ms", "2000", LONG, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.enable", "false", FLAG, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.missed.threshold.ms", "3", LONG, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.send.interval.ms", "100", LONG, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.thread.pool.size", "3", COUNT, _NO_HEARTBEAT),
    _ignored("ksql.heartbeat.window.ms", "2000", LONG, _NO_HEARTBEAT),
    _ignored("ksql.idle.connection.timeout.seconds", "600", LONG, "idle connections stay open for an hour"),
    _ignored("ksql.internal.listener", None, TEXT, _NO_HEARTBEAT),
    _ignored("ksql.internal.topic.min.insync.replicas", "1", COUNT, "the broker's default applies"),
    _ignored("ksql.internal.topic.replicas", "1", COUNT, "internal topics have one replica"),
    _ignored("ksql.lag.reporting.enable", "false", FLAG, _NO_HEARTBEAT),
    _ignored("ksql.logging.processing.rows.include", "false", FLAG, "the processing log always has the record"),
    _ignored("ksql.logging.processing.stream.auto.create", "false", FLAG, "declare the stream with CREATE STREAM"),
    _ignored("ksql.logging.processing.stream.name", "KSQL_PROCESSING_LOG", TEXT, "see stream.auto.create"),
    _ignored("ksql.logging.processing.topic.auto.create", "false", FLAG, _LOG),
    _ignored("ksql.logging.processing.topic.name", None, TEXT, _LOG),
    _ignored("ksql.logging.processing.topic.partitions", "1", COUNT, _LOG),
    _ignored("ksql.logging.processing.topic.replication.factor", "1", COUNT, _LOG),
    _ignored("ksql.logging.server.rate.limited.request.paths", "", TEXT, "requests are not logged"),
    _ignored("ksql.logging.server.rate.limited.response.codes", "", TEXT, "requests are not logged"),
    _ignored("ksql.max.push.queries", str(INT_MAX), INTEGER, "push queries are not limited"),
    _ignored("ksql.metastore.backup.location", "", TEXT, "the command topic is the only copy"),
    _ignored("ksql.metrics.tags.custom", "", TEXT, "the engine has no JMX metrics"),
    _ignored("ksql.new.query.planner.enabled", "false", FLAG, "the engine has one planner"),
    _ignored("ksql.persistent.prefix", "query_", TEXT, "names of consumer groups keep the default"),
    _ignored("ksql.queries.file", None, TEXT, "`bifrost up` runs the statements of ksql/"),
    _ignored("ksql.query.cleanup.shutdown.timeout.ms", "30000", LONG, "clean-up has its own deadline"),
    _ignored("ksql.query.error.max.queue.size", "10", INTEGER, "the engine keeps the last ten errors"),
    _ignored("ksql.query.persistent.max.bytes.buffering.total", "-1", SIGNED, "each query has its own buffers"),
    _ignored("ksql.query.pull.interpreter.enabled", "true", FLAG, "pull queries are compiled"),
    _ignored(
        "ksql.query.pull.max.allowed.offset.lag", str(LONG_MAX), LONG, _ONE_SERVER, level="QUERY", is_editable=True
    ),
    _ignored("ksql.query.pull.max.concurrent.requests", str(INT_MAX), INTEGER, "pull queries are not limited"),
    _ignored("ksql.query.pull.max.hourly.bandwidth.megabytes", str(INT_MAX), INTEGER, "pull queries are not limited"),
    _ignored("ksql.query.pull.max.qps", str(INT_MAX), INTEGER, "pull queries are not limited"),
    _ignored("ksql.query.pull.metrics.enabled", "true", FLAG, "the engine has no JMX metrics"),
    _ignored("ksql.query.pull.router.thread.pool.size", "50", COUNT, _ONE_SERVER),
    _ignored("ksql.query.pull.thread.pool.size", "50", COUNT, _ONE_SERVER),
    _ignored("ksql.query.push.v2.alos.enabled", "true", FLAG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.catchup.consumer.msg.window", "50", LONG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.continuation.tokens.enabled", "false", FLAG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.interpreter.enabled", "true", FLAG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.latest.reset.age.ms", "30000", LONG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.max.catchup.consumers", "5", LONG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.max.hourly.bandwidth.megabytes", str(INT_MAX), LONG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.metrics.enabled", "true", FLAG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.new.latest.delay.ms", "5000", LONG, _NO_PUSH_V2),
    _ignored("ksql.query.push.v2.registry.installed", "false", FLAG, _NO_PUSH_V2),
    _ignored("ksql.query.retry.backoff.initial.ms", "15000", LONG, "the engine has its own back-off"),
    _ignored(
        "ksql.query.retry.backoff.max.ms",
        "900000",
        LONG,
        "the engine has its own back-off",
        level="QUERY",
        is_editable=True,
    ),
    _ignored("ksql.query.status.running.threshold.seconds", "300", LONG, "an error shows immediately"),
    _ignored("ksql.query.transient.max.bytes.buffering.total", "-1", SIGNED, "each query has its own buffers"),
    _ignored("ksql.queryanonymizer.cluster_namespace", None, TEXT, "statements are not anonymized"),
    _ignored("ksql.queryanonymizer.logs_enabled", "true", FLAG, "statements are not anonymized"),
    _ignored("ksql.readonly.topics", _HIDDEN, TEXT, "every topic can be written"),
    _ignored("ksql.security.extension.class", None, TEXT, "the engine loads no Java classes"),
    _ignored("ksql.shared.runtimes.count", "2", COUNT, "every query runs by itself"),
    _ignored("ksql.sink.window.change.log.additional.retention", "1000000", LONG, "stores are kept for their windows"),
    _ignored("ksql.sink.partitions", None, COUNT, "a new topic has as many as its source; use WITH (PARTITIONS = ...)"),
    _ignored("ksql.sink.replicas", None, COUNT, "a new topic has as many as its source; use WITH (REPLICAS = ...)"),
    _ignored("ksql.streams.buffered.records.per.partition", "1000", COUNT, "records are fetched by size"),
    _ignored("ksql.streams.max.task.idle.ms", "0", SIGNED, "rows of joined inputs are merged by time as they arrive"),
    _ignored("ksql.streams.num.standby.replicas", "0", INTEGER, "the engine is one server"),
    _ignored("ksql.streams.num.stream.threads", "1", COUNT, "queries in step share one thread"),
    _ignored("ksql.streams.producer.compression.type", "snappy", COMPRESSION, "the engine chooses its own"),
    _ignored("ksql.streams.replication.factor", "1", COUNT, "internal topics have one replica"),
    _ignored("ksql.streams.shutdown.timeout.ms", "300000", LONG, "stopping has its own deadline"),
    _ignored("ksql.streams.state.dir", None, TEXT, "state is stored beside the platform's data"),
    _ignored("ksql.streams.task.timeout.ms", "300000", LONG, "a query that cannot reach the broker tries again"),
    _ignored("ksql.streams.topology.optimization", "all", TEXT, "the engine has its own topology"),
    _ignored("ksql.suppress.buffer.size.bytes", "-1", SIGNED, "EMIT FINAL keeps all open windows"),
    _ignored("ksql.transient.prefix", "transient_", TEXT, "names of consumer groups keep the default"),
    _ignored("ksql.transient.query.cleanup.service.enable", "true", FLAG, _CLEAN_UP),
    _ignored("ksql.transient.query.cleanup.service.initial.delay.seconds", "600", LONG, _CLEAN_UP),
    _ignored("ksql.transient.query.cleanup.service.period.seconds", "600", LONG, _CLEAN_UP),
    _ignored("ksql.udf.collect.metrics", "false", FLAG, "the engine has no JMX metrics"),
    _ignored("ksql.udf.enable.security.manager", "true", FLAG, "functions are Python, see ksql/udf"),
    _ignored("ksql.udfs.enabled", "true", FLAG, "functions of ksql/udf are always loaded"),
    _ignored("ksql.websocket.connection.max.timeout.ms", "3600000", LONG, "websockets stay open for an hour"),
)


def _table(*groups: Iterable[PropertyRule]) -> Mapping[str, PropertyRule]:
    rules = [rule for group in groups for rule in group]
    return MappingProxyType({rule.name: rule for rule in sorted(rules, key=lambda rule: rule.name)})


RULES: Mapping[str, PropertyRule] = _table(_HONOURED, _FIXED, _OF_SERVER, _IGNORED)
"""All documented `ksql.*` and `ksql.streams.*` properties, by name."""
