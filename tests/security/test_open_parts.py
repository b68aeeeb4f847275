"""A secured platform says what it leaves open."""

from __future__ import annotations

import pytest

from bifrost.default_settings import LOCAL_DEFAULTS, TLS_PARTS
from bifrost.security.open_parts import open_parts, open_parts_of
from bifrost.settings import Settings

PASSWORDS = {name: "secret" for name in LOCAL_DEFAULTS if name.endswith(("PASSWORD", "SECRET_ACCESS_KEY"))}
SECURED = Settings({"BIFROST_SECURE": "1"})


@pytest.mark.parametrize("jmx", ["0", "1"])
def test_a_platform_whose_stores_have_passwords_of_their_own_leaves_nothing_open(jmx: str) -> None:
    assert open_parts_of(SECURED.with_values(**PASSWORDS, BIFROST_JMX=jmx)) == ()


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_store_with_a_default_password_is_listed_with_the_setting(name: str) -> None:
    (found,) = open_parts_of(SECURED.with_values(**{**PASSWORDS, name: ""}))
    assert found.endswith(f"(set {name})")


@pytest.mark.parametrize(
    ("part", "name"),
    [("rest_proxy", "REST proxy"), ("mongodb", "MongoDB"), ("mysql", "MySQL"), ("s3", "the S3 store")],
)
def test_a_part_that_is_no_longer_secured_is_listed(part: str, name: str) -> None:
    assert open_parts(TLS_PARTS - {part}) == (name,)
