"""A ksqlDB server of a benchmark's own, on the broker and the schema registry of the running platform."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

import requests

from benchmarks.platform import wait_for
from bifrost.clients import ksqldb
from bifrost.clients.kafka import KafkaAdmin
from bifrost.clients.ksqldb import KsqlClient
from bifrost.default_settings import LOOPBACK
from bifrost.errors import BifrostError
from bifrost.settings import PROJECT, Settings

_REQUEST_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


class EngineServer:
    """A server with `workers` worker processes; a context that ends with the server, its queries and its topics.

    `properties` are ksqlDB's, as the server's settings take them. `pid` is that of the present process.
    """

    def __init__(self, settings: Settings, workers: int = 1, properties: Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._service_id = f"bench_{uuid.uuid4().hex[:8]}_"
        self._port = _free_port()
        endpoints = settings.endpoints
        names = {f"KSQL_{name.upper().replace('.', '_')}": value for name, value in (properties or {}).items()}
        self.settings = settings.with_values(
            **names,
            BIFROST_TARGET="embedded",
            BIFROST_HOME=self._folder.name,
            BIFROST_PORT_KSQLDB=str(self._port),
            KAFKA_BOOTSTRAP_SERVERS=endpoints.kafka,
            SCHEMA_REGISTRY_URL=endpoints.schema_registry,
            KSQLDB_URL=f"http://{LOOPBACK}:{self._port}",
            KSQL_SERVICE_ID=self._service_id,
            KSQL_WORKERS=str(workers),
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> KsqlClient:
        """A client of its API."""
        return ksqldb.from_settings(self.settings)

    @property
    def url(self) -> str:
        """Where its API listens."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Starts the server, and returns the seconds until it answered.

        Raises:
            RuntimeError: it ended.
        """
        log = Path(self._folder.name) / "server.log"
        command = (sys.executable, "-m", "bifrost.server")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=dict(self.settings.values), cwd=PROJECT, stdout=output, stderr=output
            )

        def answers() -> bool:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the server has ended: {log.read_text()[-2000:]}")
            try:
                return requests.get(f"{self.url}/info", timeout=_REQUEST_S).ok
            except requests.ConnectionError:
                return False

        return wait_for("the server", answers, pause_s=0.05)

    def kill(self) -> None:
        """Kills the server with -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Stops the server, which completes its commits."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def delete_state(self) -> None:
        """Deletes the state of its queries on disk."""
        shutil.rmtree(self.settings.data / "ksqldb")

    def restart_after_kill(self) -> float:
        """Kills the server and starts it again; returns the seconds until it answered."""
        self.kill()
        return self.start()

    def workers(self) -> list[int]:
        """The process ids of its worker processes."""
        return [pid for pid in process_tree(self.pid) if pid != self.pid]

    def kill_worker(self) -> None:
        """Kills one worker process with -9, and waits for the next one; the server itself if it has none."""
        workers = self.workers()
        if workers:
            os.kill(workers[0], signal.SIGKILL)
            wait_for("another worker", lambda: len({*self.workers(), *workers}) > len(workers))
        else:
            self.restart_after_kill()

    def metric(self, name: str) -> dict[str, float]:
        """The values of a metric by the text of its labels."""
        text = requests.get(f"{self.url}/metrics", timeout=_REQUEST_S).text
        return {labels: float(value) for labels, value in re.findall(rf"^{name}(\S*) (\S+)$", text, re.MULTILINE)}

    def __enter__(self) -> EngineServer:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        try:
            self.client.execute("TERMINATE ALL;")
        except BifrostError:
            pass  # the topics go anyway
        self.kill()
        admin = KafkaAdmin(self.settings.kafka_client())
        for topic in admin.topics():
            if self._service_id in topic:
                admin.delete(topic)
        self._folder.cleanup()


def process_tree(pid: int) -> list[int]:
    """A process and all that it started, directly or through others."""
    found = [pid]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in thread.read_text().split()]
            except OSError:
                continue  # it has ended
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a process and all that it started."""
    ticks = 0
    for member in process_tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all that it started, in MB."""
    pages = sum(int(_words(member, "statm")[1]) for member in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def thread_count(pid: int) -> int:
    """Threads of a process and all that it started."""
    return sum(len(list(Path(f"/proc/{member}/task").iterdir())) for member in process_tree(pid))


def _words(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/{name}").read_text().split()


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listening:
        return int(listening.getsockname()[1])
