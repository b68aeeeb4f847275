"""The addresses of the parts of a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of the target's parts. `kafka` is `host:port[,...]`, the others are URLs; empty: not available.

    - `search`: a server with Elasticsearch's API.
    - `kibana`: empty where the console draws the dashboards.
    - `mongodb`: a connection string.
    - `mysql`, `postgres`: with user, password and database, `mysql://user:password@host:port/demo`.
    - `slack`, `telegram`: base URL of the Slack Web API and the Telegram Bot API, or of the inbox that simulates them.
    """

    kafka: str
    connect: str
    schema_registry: str
    ksqldb: str
    mysql: str
    postgres: str
    mongodb: str
    console: str
    slack: str
    search: str
    s3: str
    kibana: str
    telegram: str
    rest_proxy: str

    def as_json(self) -> dict[str, str]:
        """URL by name, as `status --json` prints them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
