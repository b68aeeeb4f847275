"""Which ports a platform takes."""

import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bifrost.default_settings import PORTS
from bifrost.errors import SettingError
from bifrost.settings import Settings
from bifrost.supervisor import ports
from bifrost.supervisor.port_claims import PortClaims
from tests.supervisor.listening import listener


def assigned(settings: Settings, *, automatic: bool) -> Mapping[str, int]:
    with PortClaims() as claims:
        return ports.assign_ports(settings, claims, automatic=automatic).ports


def test_a_listening_process_is_found_by_its_port():
    with listener() as port:
        assert not ports.is_free(port)
        assert ports.port_holder(port).pid == os.getpid()
        assert "python" in str(ports.port_holder(port))
    assert ports.is_free(port)
    assert str(ports.port_holder(port)) == "a process of another user"


def test_a_new_platform_takes_what_is_set_and_else_the_defaults(settings):
    chosen = assigned(settings.with_values(BIFROST_PORT_KAFKA="19092"), automatic=False)
    assert chosen == {**PORTS, "kafka": 19092}


def test_the_next_platform_takes_the_ports_of_the_one_before(settings):
    ports.write_ports(settings.previous_ports_file, {"kafka": 20001, "connect": 20002})
    chosen = assigned(settings.with_values(BIFROST_PORT_CONNECT="19083"), automatic=False)
    assert (chosen["kafka"], chosen["connect"], chosen["mysql"]) == (20001, 19083, 3306)


def test_auto_replaces_taken_ports_by_free_ones_that_differ(settings):
    with listener() as first, listener() as second:
        ports.write_ports(settings.previous_ports_file, {**PORTS, "kafka": first, "kafka_controller": second})
        chosen = assigned(settings, automatic=True)
    assert len({first, second, chosen["kafka"], chosen["kafka_controller"]}) == 4


def test_auto_leaves_a_port_that_was_set(settings):
    with listener() as taken:
        chosen = assigned(settings.with_values(BIFROST_PORT_KAFKA=str(taken)), automatic=True)
        assert chosen["kafka"] == taken


def test_an_invalid_port_is_refused(settings):
    with pytest.raises(SettingError, match="BIFROST_PORT_KAFKA: 'x' is not a port number"):
        assigned(settings.with_values(BIFROST_PORT_KAFKA="x"), automatic=True)


def test_written_ports_are_what_settings_read(settings):
    ports.write_ports(settings.endpoints_file, {"connect": 20002})
    assert settings.port("connect") == 20002
    assert settings.endpoints.connect == "http://127.0.0.1:20002"
    assert ports.read_ports(settings.endpoints_file) == {"connect": 20002}


def test_platforms_that_start_at_the_same_moment_take_different_ports(settings):
    starting = Barrier(4)

    def start(_: int) -> tuple[PortClaims, list[int]]:
        claims = PortClaims()
        starting.wait()
        return claims, list(ports.assign_ports(settings, claims, automatic=True).ports.values())

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(start, range(4)))
    chosen = [port for _, found in started for port in found]
    for claims, _ in started:
        claims.close()
    assert len(set(chosen)) == len(chosen) == 4 * len(PORTS)


def test_a_claim_lasts_as_long_as_the_process_that_inherited_it():
    port = 31_999
    with PortClaims() as claims, PortClaims() as others:
        assert claims.claim(port)
        supervisor = subprocess.Popen(("sleep", "600"), pass_fds=claims.file_descriptors)
        claims.close()
        try:
            assert not others.claim(port)
        finally:
            supervisor.kill()
            supervisor.wait()
        assert others.claim(port)


def test_a_port_that_was_set_and_is_claimed_is_known_as_such(settings):
    chosen = settings.with_values(BIFROST_PORT_KAFKA="31998")
    with PortClaims() as others, PortClaims() as claims:
        assert others.claim(31_998)
        assert ports.assign_ports(chosen, claims, automatic=True).unclaimed == {"kafka"}


def test_two_parts_that_are_set_to_one_port_are_known_as_such(settings):
    chosen = settings.with_values(BIFROST_PORT_KAFKA="31997", BIFROST_PORT_CONNECT="31997")
    with PortClaims() as claims:
        assert ports.assign_ports(chosen, claims, automatic=True).unclaimed == {"connect"}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"ports": []}', '{"ports": {"kafka": "x"}}', '{"ports": {"kafka": 0}}', '{"ports": 1}'],
)
def test_a_damaged_file_of_ports_counts_as_none(settings, content):
    path = settings.previous_ports_file
    path.write_text(content)
    assert ports.read_ports(path) == {}
