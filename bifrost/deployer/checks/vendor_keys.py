"""The keys of connector classes that no worker here has and that therefore cannot be validated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

JDBC_SOURCE = "io.confluent.connect.jdbc.JdbcSourceConnector"
BIGQUERY_SINK = "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector"

_FRAMEWORK = frozenset(
    {
        "name",
        "connector.class",
        "connector.plugin.version",
        "tasks.max",
        "tasks.max.enforce",
        "topics",
        "topics.regex",
        "key.converter",
        "value.converter",
        "header.converter",
        "transforms",
        "predicates",
        "config.action.reload",
    }
)
_FRAMEWORK_PREFIXES = (
    "producer.override.",
    "topic.creation.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "transforms.",
    "predicates.",
    "errors.",
    "consumer.override.",
)

KEYS: Mapping[str, frozenset[str]] = {
    JDBC_SOURCE: frozenset(
        {
            "batch.max.rows",
            "catalog.pattern",
            "connection.attempts",
            "connection.backoff.ms",
            "connection.password",
            "connection.url",
            "connection.user",
            "db.timezone",
            "dialect.name",
            "incrementing.column.name",
            "incrementing.initial",
            "mode",
            "numeric.mapping",
            "numeric.precision.mapping",
            "poll.interval.ms",
            "query",
            "query.retry.attempts",
            "query.suffix",
            "quote.sql.identifiers",
            "schema.pattern",
            "table.blacklist",
            "table.monitoring.startup.polling.limit.ms",
            "table.poll.interval.ms",
            "table.types",
            "table.whitelist",
            "timestamp.column.name",
            "timestamp.delay.interval.ms",
            "timestamp.granularity",
            "timestamp.initial",
            "topic.prefix",
            "transaction.isolation.mode",
            "validate.non.null",
        }
    ),
    # Those of 1.x (`datasets`), which the documents use, and of 2.x (`defaultDataset`).
    BIGQUERY_SINK: frozenset(
        {
            "allBQFieldsNullable",
            "allowBigQueryRequiredFieldRelaxation",
            "allowNewBigQueryFields",
            "allowSchemaUnionization",
            "autoCreateBucket",
            "autoCreateTables",
            "autoUpdateSchemas",
            "avroDataCacheSize",
            "batchLoadIntervalSec",
            "bigQueryMessageTimePartitioning",
            "bigQueryPartitionDecorator",
            "bigQueryRetry",
            "bigQueryRetryWait",
            "clusteringPartitionFieldNames",
            "convertDoubleSpecialValues",
            "datasets",
            "defaultDataset",
            "deleteEnabled",
            "enableBatchLoad",
            "gcsBucketName",
            "gcsFolderName",
            "includeKafkaData",
            "intermediateTableSuffix",
            "kafkaDataFieldName",
            "kafkaKeyFieldName",
            "keyfile",
            "keySource",
            "max.retries",
            "maxWriteSize",
            "mergeIntervalMs",
            "mergeRecordsThreshold",
            "partitionExpirationMs",
            "project",
            "queueSize",
            "sanitizeFieldNames",
            "sanitizeTopics",
            "schemaRegistryClass",
            "schemaRegistryLocation",
            "schemaRetriever",
            "tableWriteWait",
            "threadPoolSize",
            "timePartitioningType",
            "timestampPartitionFieldName",
            "topic2TableMap",
            "upsertEnabled",
        }
    ),
}
"""All keys of a class, from its documentation."""

_DRIVER_PREFIXES: Mapping[str, tuple[str, ...]] = {JDBC_SOURCE: ("connection.",)}
"""Keys that a class passes on, for example to a driver; one that resembles a key of the class is misspelt."""


def unknown_keys(config: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys of a configuration that its class lacks, each with the closest known key (may be empty)."""
    known = KEYS.get(config["connector.class"])
    if known is None:
        return
    for key in config:
        if key not in known and key not in _FRAMEWORK and not key.startswith(_FRAMEWORK_PREFIXES):
            closest = next(iter(get_close_matches(key, known, n=1, cutoff=0.8)), "")
            if closest or not key.startswith(_DRIVER_PREFIXES.get(config["connector.class"], ())):
                yield key, closest
