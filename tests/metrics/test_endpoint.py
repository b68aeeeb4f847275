"""`/metrics` of programs that have no HTTP server."""

from __future__ import annotations

import errno
import http.client
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from requests import Response

from bifrost.default_settings import LOOPBACK
from bifrost.errors import SettingError
from bifrost.metrics import endpoint as endpoint_module
from bifrost.metrics.endpoint import MetricsEndpoint, serve_metrics
from bifrost.security.certificates import new_authority
from bifrost.security.roles import ROLES
from bifrost.security.rotation_state import RotatedKinds, RotationState
from bifrost.security.secure_folder import SecureFolder
from bifrost.settings import PROJECT, Settings


@pytest.fixture
def endpoint() -> Iterator[MetricsEndpoint]:
    served = MetricsEndpoint(0, ("metrics.example",))
    served.start()
    yield served
    served.close()


def get(endpoint: MetricsEndpoint, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(LOOPBACK, endpoint.port, timeout=30)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_scrape_gets_the_figures_of_the_process(endpoint):
    status, text = get(endpoint)
    assert status == 200
    found = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_threads"} <= found


def test_a_page_of_another_site_is_refused(endpoint):
    assert get(endpoint, Host="evil.example")[0] == 403
    assert get(endpoint, Origin="http://evil.example")[0] == 403
    assert get(endpoint, Host="metrics.example")[0] == 200


def test_other_paths_and_methods_are_refused(endpoint):
    assert get(endpoint, "/")[0] == 404
    connection = http.client.HTTPConnection(LOOPBACK, endpoint.port, timeout=30)
    connection.request("POST", "/metrics", body=b"x")
    assert connection.getresponse().status == 501
    connection.close()


def test_clients_that_send_nonsense_or_nothing_do_not_stop_it(endpoint):
    for data in (b"\x00\xff\r\n\r\n", b"", b"GET /metrics"):
        with socket.create_connection((LOOPBACK, endpoint.port), 30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
    assert get(endpoint)[0] == 200


def test_a_connection_that_cannot_be_accepted_does_not_end_it(monkeypatch, caplog):
    monkeypatch.setattr(endpoint_module, "RETRY_S", 0.01)
    served = MetricsEndpoint(0)
    listener = FailingListener(served._listener)
    monkeypatch.setattr(served, "_listener", listener)
    served.start()
    assert get(served)[0] == 200
    assert "a request for the metrics failed: Too many open files" in caplog.text
    served.close()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[MetricsEndpoint, SecureFolder]]:
    """An endpoint of a secured platform."""
    folder = SecureFolder(tmp_path)
    folder.prepare(datetime.now(UTC))
    served = MetricsEndpoint(0, secure_folder=folder.root)
    served.start()
    yield served, folder
    served.close()


def scrape(endpoint: MetricsEndpoint, authority: Path, login: tuple[str, str] | None, **headers: str) -> Response:
    with requests.Session() as client:
        client.trust_env, client.verify = False, str(authority)
        return client.get(f"https://{LOOPBACK}:{endpoint.port}/metrics", auth=login, headers=headers, timeout=30)


def test_the_figures_of_a_secured_platform_are_for_its_console_and_its_deployer(secured):
    endpoint, folder = secured
    for role in ROLES:
        answer = scrape(endpoint, folder.authority_certificate, (role, folder.password(role)))
        assert answer.status_code == (200 if role in ("deployer", "console") else 401), role
        assert ("process_cpu_seconds_total" in answer.text) == (answer.status_code == 200)


@pytest.mark.parametrize("login", [None, ("deployer", "wrong"), ("deployer", ""), ("stranger", "wrong"), ("", "")])
def test_without_a_right_login_nothing_is_served(secured, login):
    endpoint, folder = secured
    answer = scrape(endpoint, folder.authority_certificate, login)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.text == "a user and password of the platform are required\n"


def test_a_page_of_another_site_is_refused_with_a_login_too(secured):
    endpoint, folder = secured
    login = ("deployer", folder.password("deployer"))
    assert scrape(endpoint, folder.authority_certificate, login, Host="evil.example").status_code == 403


def test_plain_text_and_another_authority_get_no_answer_and_do_not_stop_it(secured, tmp_path, caplog):
    endpoint, folder = secured
    with pytest.raises((OSError, http.client.HTTPException)):
        get(endpoint)
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority(datetime.now(UTC)).certificate_pem)
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        scrape(endpoint, foreign, None)
    assert scrape(endpoint, folder.authority_certificate, None).status_code == 401
    assert not caplog.records


def test_a_rotation_needs_no_restart(secured):
    endpoint, folder = secured
    old, now = folder.password("deployer"), datetime.now(UTC)
    folder.begin_rotation(now, RotatedKinds(certificates=True, passwords=True))
    state: RotationState | None = folder.rotation.state()
    while state is not None:
        folder.write_stage(now)
        new = folder.password("deployer")
        found = [scrape(endpoint, folder.authority_certificate, ("deployer", each)).status_code for each in (old, new)]
        assert found == ([200, 200] if state.stage != "drop" else [401, 200])
        state = state.next()
        if state is not None:
            folder.rotation.write(state)
    folder.end_rotation(now)
    assert scrape(endpoint, folder.authority_certificate, ("deployer", old)).status_code == 401
    assert scrape(endpoint, folder.authority_certificate, ("deployer", folder.password("deployer"))).status_code == 200


def test_a_missing_file_of_a_secured_platform_is_logged(secured, caplog):
    endpoint, folder = secured
    folder.metrics_users.unlink()
    with pytest.raises(requests.exceptions.ConnectionError):
        scrape(endpoint, folder.authority_certificate, ("deployer", folder.password("deployer")))
    assert "a request for the metrics failed" in caplog.text
    assert "metrics-users.json" in caplog.text


@pytest.mark.parametrize(("target", "is_secured"), [("embedded", True), ("compose", False)])
def test_a_program_of_a_secured_platform_serves_with_tls(tmp_path, monkeypatch, target, is_secured):
    made: list[MetricsEndpoint] = []
    monkeypatch.setattr(MetricsEndpoint, "start", lambda served: made.append(served))
    port = free_port()
    values = {"BIFROST_HOME": str(tmp_path), "BIFROST_SECURE": "1", "BIFROST_TARGET": target}
    serve_metrics(Settings(values), port)
    (endpoint,) = made
    endpoint.close()
    assert (endpoint._secure_folder == Settings(values).secure_folder) == is_secured


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as found:
        return int(found.getsockname()[1])


class FailingListener:
    """A listener that is out of open files at first."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._failures = 2

    def accept(self):
        if self._failures:
            self._failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._listener.accept()

    def shutdown(self, how: int) -> None:
        self._listener.shutdown(how)

    def close(self) -> None:
        self._listener.close()


def test_a_port_that_is_used_is_logged_and_stops_nothing(endpoint, caplog):
    with caplog.at_level(logging.WARNING):
        serve_metrics(Settings({"BIFROST_METRICS_PORT": str(endpoint.port)}))
    assert f"metrics are not served: port {endpoint.port}: Address already in use" in caplog.text


def test_without_a_port_nothing_is_served():
    serve_metrics(Settings())
    with pytest.raises(SettingError, match="BIFROST_METRICS_PORT: 'x' is not a port number"):
        serve_metrics(Settings({"BIFROST_METRICS_PORT": "x"}))


def test_a_start_does_not_load_what_only_a_scrape_needs():
    code = """
import sys
from bifrost.metrics.endpoint import MetricsEndpoint
MetricsEndpoint(0).start()
print(sorted({"prometheus_client", "http.server", "starlette"} & set(sys.modules)))
"""
    done = subprocess.run((sys.executable, "-c", code), cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
