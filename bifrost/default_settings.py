"""The constants behind the settings: default ports, accounts of the local stores, and which programs have what.

Standard library only, as `bifrost.settings`.
"""

from __future__ import annotations

from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
SERVER_PEM = "server.pem"
METRICS_USERS = "metrics-users.json"
AUTHORITY = "ca.crt"
TRUST_STORE = "trusted.p12"
"""Files of the folder `secure`: keys of the servers, who may read `/metrics`, and whom clients trust, in two forms."""
TELEGRAM_URL = "https://api.telegram.org/"
MONGODB_REPLICA_SET = "rs0"
MOUNTED = "/etc/bifrost"
"""Where a container of a secured compose target finds its certificates and logins."""

METRICS_PROGRAMS = (
    "supervisor",
    "alerts",
    "wifi_telegram_alerts",
    "wifi_telegram_bot",
    "platform_watch",
    "generator",
    "wifi_replay",
    "orders_demo",
    "syslog_demo",
    "logons_demo",
    "patterns_demo",
)
"""The programs of the embedded platform that serve `/metrics` on a separate port: they have no other HTTP server."""

JMX_PROGRAMS = ("broker", "connect")
"""The Java programs whose figures an agent serves with BIFROST_JMX=1."""

PORTS: Mapping[str, int] = {
    "kafka": 9092,
    "kafka_controller": 9093,
    "connect": 8083,
    "schema_registry": 8081,
    "rest_proxy": 8082,
    "ksqldb": 8088,
    "mysql": 3306,
    "postgres": 5432,
    "mongodb": 27017,
    "search": 9200,
    "s3": 9000,
    "console": 5601,
    "telegram_webhook": 8080,
    "syslog": 5140,
    **{f"metrics_{program}": 9400 + number for number, program in enumerate(METRICS_PROGRAMS)},
    **{f"jmx_{program}": 9420 + number for number, program in enumerate(JMX_PROGRAMS)},
}
"""Default TCP port by part (`syslog`: UDP too); `BIFROST_PORT_<PART>` overrides it."""

LOCAL_DEFAULTS: Mapping[str, str] = {
    "MYSQL_USER": "debezium",
    "MYSQL_PASSWORD": "dbz",
    "MYSQL_APP_USER": "demo",
    "MYSQL_APP_PASSWORD": "demo",
    "POSTGRES_USER": "debezium",
    "POSTGRES_PASSWORD": "dbz",
    "POSTGRES_APP_USER": "demo",
    "POSTGRES_APP_PASSWORD": "demo",
    "AWS_ACCESS_KEY_ID": "bifrost",
    "AWS_SECRET_ACCESS_KEY": "bifrost-local",
}
"""Credentials of the local stores of the embedded and compose targets, which listen on 127.0.0.1 only."""

TLS_PARTS = frozenset(
    {
        *(
            "connect",
            "schema_registry",
            "ksqldb",
            "search",
            "rest_proxy",
            "console",
            "mongodb",
            "mysql",
            "postgres",
            "s3",
        ),
        *(f"metrics_{program}" for program in METRICS_PROGRAMS),
        *(f"jmx_{program}" for program in JMX_PROGRAMS),
    }
)
"""The servers of a secured platform, beside the broker, that require TLS and a login."""

COMPOSE_TLS_PARTS = frozenset({"connect", "schema_registry", "ksqldb", "rest_proxy"})
"""The same of a secured compose target; its other containers are as without security."""
