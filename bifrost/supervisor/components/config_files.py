"""Writes the configuration files of components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# Properties and not YAML: the search engine lacks the libraries that log4j needs for YAML.
_LOG4J = """\
status = warn
appender.console.type = Console
appender.console.name = STDOUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %p [%t] %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = STDOUT
"""

# The first ones print whole configurations for every new client; those of Debezium and MongoDB print the connections of
# each validation, which the watcher requests all the time; Apicurio's client prints every failed request, which the
# converter repeats each second of an outage; the last warns at every search.
_LEVELS = {
    "org.apache.kafka.common.config.AbstractConfig": "warn",
    "kafka.server.KafkaConfig": "warn",
    "org.apache.kafka.clients": "warn",
    "org.apache.kafka.common.utils.AppInfoParser": "warn",
    "org.apache.kafka.common.metrics.Metrics": "warn",
    "org.apache.kafka.connect.runtime.isolation": "warn",
    "org.apache.kafka.connect.runtime.AbstractHerder": "warn",
    "io.debezium.config": "warn",
    "io.debezium.connector.mariadb.MariaDbConnector": "warn",
    "io.debezium.connector.mongodb.MongoDbConnector": "warn",
    "io.debezium.connector.postgresql.PostgresConnector": "warn",
    "io.debezium.connector.postgresql.PostgresConnectorConfig": "warn",
    "io.debezium.jdbc.JdbcConnection": "warn",
    "io.debezium.util.Threads": "warn",
    "org.mongodb.driver": "warn",
    "io.apicurio.registry.resolver.ERCache": "off",
    "org.opensearch.wlm.QueryGroupTask": "error",
}


def write_properties(path: Path, values: Mapping[str, object]) -> None:
    """Write a Java properties file, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={_escaped(str(value))}\n" for key, value in values.items()))


def write_log4j(path: Path) -> None:
    """Write the log4j configuration of a Java program, as properties."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = (
        f"logger.{number}.name = {name}\nlogger.{number}.level = {level}\n"
        for number, (name, level) in enumerate(_LEVELS.items())
    )
    path.write_text(_LOG4J + "".join(levels))


def _escaped(value: str) -> str:
    # Java skips blanks before a value, ends it at a line break, and reads the file as Latin-1.
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\f", "\\f")
    text = "\\" + text if text[:1] in (" ", "\t") else text
    return "".join(character if character.isascii() else _java_escape(character) for character in text)


def _java_escape(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
