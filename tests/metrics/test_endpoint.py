"""`/metrics` of programs that have no HTTP server."""

from __future__ import annotations

import errno
import http.client
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bifrost.default_settings import LOOPBACK
from bifrost.errors import SettingError
from bifrost.metrics import endpoint as endpoint_module
from bifrost.metrics.endpoint import MetricsEndpoint, serve_metrics
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
