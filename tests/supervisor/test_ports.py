"""Which ports a platform takes."""

import os

import pytest

from bifrost.errors import SettingError
from bifrost.settings import PORTS
from bifrost.supervisor import ports
from tests.supervisor.listening import listener


def test_a_listening_process_is_found_by_its_port():
    with listener() as port:
        assert not ports.is_free(port)
        assert ports.port_holder(port).pid == os.getpid()
        assert "python" in str(ports.port_holder(port))
    assert ports.is_free(port)
    assert str(ports.port_holder(port)) == "a process of another user"


def test_a_new_platform_takes_what_is_set_and_else_the_defaults(settings):
    chosen = ports.assign_ports(settings.with_values(BIFROST_PORT_KAFKA="19092"), automatic=False)
    assert chosen == {**PORTS, "kafka": 19092}


def test_the_next_platform_takes_the_ports_of_the_one_before(settings):
    ports.write_ports(ports.previous_file(settings), {"kafka": 20001, "connect": 20002})
    chosen = ports.assign_ports(settings.with_values(BIFROST_PORT_CONNECT="19083"), automatic=False)
    assert (chosen["kafka"], chosen["connect"], chosen["mysql"]) == (20001, 19083, 3306)


def test_auto_replaces_taken_ports_by_free_ones_that_differ(settings):
    with listener() as first, listener() as second:
        ports.write_ports(ports.previous_file(settings), {**PORTS, "kafka": first, "kafka_controller": second})
        chosen = ports.assign_ports(settings, automatic=True)
    assert len({first, second, chosen["kafka"], chosen["kafka_controller"]}) == 4


def test_auto_leaves_a_port_that_was_set(settings):
    with listener() as taken:
        chosen = ports.assign_ports(settings.with_values(BIFROST_PORT_KAFKA=str(taken)), automatic=True)
        assert chosen["kafka"] == taken


def test_a_port_that_is_none_is_refused(settings):
    with pytest.raises(SettingError, match="BIFROST_PORT_KAFKA: 'x' is not a port number"):
        ports.assign_ports(settings.with_values(BIFROST_PORT_KAFKA="x"), automatic=True)


def test_written_ports_are_what_settings_read(settings):
    ports.write_ports(settings.endpoints_file, {"connect": 20002})
    assert settings.port("connect") == 20002
    assert settings.endpoints.connect == "http://127.0.0.1:20002"
    assert ports.read_ports(settings.endpoints_file) == {"connect": 20002}
