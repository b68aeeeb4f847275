"""Writing the configuration files of components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LOG4J = """\
Configuration:
  status: WARN
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "%d{yyyy-MM-dd HH:mm:ss.SSS} %p [%t] %m (%c)%n"}
  Loggers:
    Root:
      level: INFO
      AppenderRef: [{ref: STDOUT}]
    Logger:
      # These print whole configurations at every start and every new client.
      - {name: org.apache.kafka.common.config.AbstractConfig, level: WARN}
      - {name: kafka.server.KafkaConfig, level: WARN}
      - {name: org.apache.kafka.clients, level: WARN}
      - {name: org.apache.kafka.common.utils.AppInfoParser, level: WARN}
      - {name: org.apache.kafka.common.metrics.Metrics, level: WARN}
      - {name: org.apache.kafka.connect.runtime.isolation, level: WARN}
"""


def write_properties(path: Path, values: Mapping[str, object]) -> None:
    """Write a Java properties file, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={_escaped(str(value))}\n" for key, value in values.items()))


def write_log4j(path: Path) -> None:
    """Write the logging configuration of Kafka's programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LOG4J)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
