"""Rules for every connector: keys, transformations, converters, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bifrost.deployer.checks.vendor_keys import BIGQUERY_SINK, JDBC_SOURCE, unknown_keys
from bifrost.deployer.declared.declarations import DeclaredConnector
from bifrost.deployer.lint.rule import FileProblem, LintRule
from bifrost.redaction import redact_value

_BINLOG = ("database.hostname", "database.user", "database.server.id", "topic.prefix")
BINLOG_CLASSES = (
    "io.debezium.connector.mysql.MySqlConnector",
    "io.debezium.connector.mariadb.MariaDbConnector",
)
POSTGRES_CLASS = "io.debezium.connector.postgresql.PostgresConnector"
MONGODB_CLASS = "io.debezium.connector.mongodb.MongoDbConnector"
REQUIRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(BINLOG_CLASSES, _BINLOG),
    POSTGRES_CLASS: ("database.hostname", "database.user", "database.dbname", "topic.prefix"),
    MONGODB_CLASS: ("mongodb.connection.string", "topic.prefix"),
    "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector": ("connection.url", "topics"),
    "io.confluent.connect.s3.S3SinkConnector": (
        "topics",
        "s3.bucket.name",
        "format.class",
        "storage.class",
        "flush.size",
    ),
    BIGQUERY_SINK: ("topics", "project", "keyfile"),
    JDBC_SOURCE: ("connection.url", "topic.prefix", "mode"),
    "io.debezium.connector.jdbc.JdbcSinkConnector": ("topics", "connection.url"),
}
"""Keys without which these classes do not start."""

UNSET_VARIABLE = LintRule(
    "BF101",
    "a variable is not set",
    "The Connect workers of the target do not have the variable, so the connector does not start.",
    "Set it in the environment or in .env, or correct its name.",
    '"database.password": "${env:MYSQL_PASSWORD}"',
    is_error=True,
)
DROPPED_KEY = LintRule(
    "BF102",
    "a converter's key has no effect",
    "On this target the workers' own Avro converter takes the place of the connector's, with its own settings.",
    "Remove the key, or accept that it applies on other targets only.",
    '"value.converter": "io.confluent.connect.avro.AvroConverter"',
)
MISSING_KEY = LintRule(
    "BF103",
    "a key is missing",
    "The class does not start without it.",
    "Add the key.",
    '"topic.prefix": "asgard"',
    is_error=True,
)
UNKNOWN_KEY = LintRule(
    "BF104",
    "a key is unknown",
    "Connect ignores keys that a class does not know, so a misspelt one silently has no effect.",
    "Correct the spelling or remove the key.",
    '"autoCreateTables": "true"',
    is_error=True,
)
UNDEFINED_TRANSFORM = LintRule(
    "BF105",
    "a transformation is listed, but not defined",
    "Connect refuses a connector whose `transforms` names one without a type.",
    "Add `transforms.NAME.type`, or remove the name from `transforms`.",
    '"transforms": "unwrap",\n"transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState"',
    is_error=True,
)
UNLISTED_TRANSFORM = LintRule(
    "BF106",
    "a transformation is defined, but not listed",
    "Connect applies only what `transforms` lists, so the keys have no effect.",
    "Add the name to `transforms`, or remove its keys.",
    '"transforms": "unwrap,route"',
    is_error=True,
)
UNDEFINED_PREDICATE = LintRule(
    "BF107",
    "a predicate is used, but not defined or not listed",
    "Connect refuses a transformation whose predicate it does not know.",
    "List the predicate in `predicates` and give it a type.",
    '"predicates": "isOrder",\n'
    '"predicates.isOrder.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"',
    is_error=True,
)
PLAIN_SECRET = LintRule(
    "BF108",
    "a secret is written in the file",
    "Readers of the repository, and of Connect's REST API, see the secret.",
    "Write a placeholder and set the variable where the workers run.",
    '"database.password": "${env:MYSQL_PASSWORD}"',
)
SINGLE_TASK = LintRule(
    "BF109",
    "`tasks.max` above 1 has no effect",
    "The class runs one task, whatever `tasks.max` says: a log of changes or a port has one reader.",
    'Write `"tasks.max": "1"`, which is what runs.',
    '"tasks.max": "1"',
)
NO_REGISTRY = LintRule(
    "BF110",
    "a converter has no registry",
    "Converters of Avro, Protobuf and JSON Schema do not start without the address of the schema registry.",
    "Add `schema.registry.url` below the converter's key.",
    '"value.converter.schema.registry.url": "${env:SCHEMA_REGISTRY_URL}"',
    is_error=True,
)
JSON_ENVELOPE = LintRule(
    "BF111",
    "`JsonConverter` expects or writes a schema with every record",
    "Without `schemas.enable=false`, a source writes {schema, payload} around each value, and a sink stops at a record "
    "without it.",
    "Set `schemas.enable` to false, or to true if the envelope is meant.",
    '"value.converter.schemas.enable": "false"',
)

_TRANSFORM_KEY = re.compile(r"transforms\.([^.]+)\.")
_SECRET_KEY = re.compile(r"password|passwd|secret(?!s\.)|token$|private\.?key|api\.?key|user\.info$|sasl\.jaas", re.I)
_REGISTRY_CONVERTERS = ("AvroConverter", "ProtobufConverter", "JsonSchemaConverter")
_SINGLE_TASK = (*BINLOG_CLASSES, POSTGRES_CLASS)


def required_keys(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Keys that a class needs."""
    class_name = connector.config["connector.class"]
    for key in REQUIRED.get(class_name, ()):
        if not connector.config.get(key) and not (key == "topics" and connector.config.get("topics.regex")):
            yield MISSING_KEY.in_connector(connector, f"{key} is missing; {class_name} needs it")


def misspelt_keys(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Unknown keys of classes that no worker here could validate."""
    for key, meant in unknown_keys(connector.config):
        hint = f"; did you mean {meant}?" if meant else ""
        text = f"{connector.config['connector.class']} does not know this key{hint}"
        yield UNKNOWN_KEY.at_key(connector, key, text)


def transforms(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Transformations that are listed or defined, but not both."""
    names = _names(connector, "transforms")
    for name in sorted(names):
        if f"transforms.{name}.type" not in connector.config:
            yield UNDEFINED_TRANSFORM.at_key(connector, "transforms", f"{name} has no transforms.{name}.type")
    for key in connector.config:
        found = _TRANSFORM_KEY.match(key)
        if found is not None and found[1] not in names:
            text = f"transforms does not list {found[1]}, so this has no effect"
            yield UNLISTED_TRANSFORM.at_key(connector, key, text)


def predicates(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Predicates of transformations that are not listed or have no type."""
    listed = _names(connector, "predicates")
    for key, name in connector.config.items():
        if _TRANSFORM_KEY.match(key) and key.endswith(".predicate"):
            if name not in listed:
                yield UNDEFINED_PREDICATE.at_key(connector, key, f"predicates does not list {name}")
            elif f"predicates.{name}.type" not in connector.config:
                yield UNDEFINED_PREDICATE.at_key(connector, key, f"{name} has no predicates.{name}.type")


def plain_secrets(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Secrets without a placeholder, as values or within addresses."""
    for key, value in connector.config.items():
        if not value or "${" in value:
            continue
        is_address = "://" in value and redact_value("address", value) != value
        if is_address or (_SECRET_KEY.search(key) and redact_value(key, value) != value):
            yield PLAIN_SECRET.at_key(connector, key, "is a secret in plain text; write ${env:NAME}")


def single_task(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """More tasks than a class runs."""
    name = connector.config["connector.class"]
    tasks = connector.config.get("tasks.max", "1")
    # Compared as text: a number of thousands of digits is none for `int`.
    has_more = tasks.isdecimal() and tasks.lstrip("0") not in ("", "1")
    if has_more and (name in _SINGLE_TASK or "Syslog" in name.rpartition(".")[2]):
        yield SINGLE_TASK.at_key(connector, "tasks.max", f"{name} runs one task")


def converters(connector: DeclaredConnector) -> Iterator[FileProblem]:
    """Converters without the settings that they need."""
    for key in ("key.converter", "value.converter"):
        name = connector.config.get(key, "").rpartition(".")[2]
        if name in _REGISTRY_CONVERTERS and not connector.config.get(f"{key}.schema.registry.url"):
            if "apicurio" not in connector.config[key]:
                yield NO_REGISTRY.at_key(connector, key, f"{name} needs {key}.schema.registry.url")
        if name == "JsonConverter" and f"{key}.schemas.enable" not in connector.config:
            yield JSON_ENVELOPE.at_key(connector, key, f"set {key}.schemas.enable, which is true by default")


def _names(connector: DeclaredConnector, key: str) -> set[str]:
    return {name.strip() for name in connector.config.get(key, "").split(",") if name.strip()}


CHECKS = (required_keys, misspelt_keys, transforms, predicates, plain_secrets, single_task, converters)
RULES = (
    *(UNSET_VARIABLE, DROPPED_KEY, MISSING_KEY, UNKNOWN_KEY, UNDEFINED_TRANSFORM, UNLISTED_TRANSFORM),
    *(UNDEFINED_PREDICATE, PLAIN_SECRET, SINGLE_TASK, NO_REGISTRY, JSON_ENVELOPE),
)
