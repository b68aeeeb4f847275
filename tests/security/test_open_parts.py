"""A secured platform says what it leaves open."""

from __future__ import annotations

from bifrost.default_settings import TLS_PARTS
from bifrost.security.open_parts import open_parts


def test_each_part_without_tls_and_a_login_is_listed_and_no_other() -> None:
    found = "; ".join(open_parts())
    assert "S3 store" in found
    for part in (
        "Kafka Connect",
        "Schema Registry",
        "search",
        "REST proxy",
        "MongoDB",
        "MySQL",
        "PostgreSQL",
        "/metrics",
    ):
        assert part not in found


def test_the_agents_of_broker_and_connect_are_open_where_they_run() -> None:
    assert "/metrics` of the broker and Connect" in "; ".join(open_parts(has_jmx=True))


def test_a_part_that_is_no_longer_secured_is_listed() -> None:
    assert "REST proxy" in open_parts(TLS_PARTS - {"rest_proxy"})
    assert "MongoDB" in open_parts(TLS_PARTS - {"mongodb"})
