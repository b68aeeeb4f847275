"""A ksqlDB server of a test's own, with worker processes, on the brokers and the registry of the platform."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from bifrost.default_settings import LOOPBACK
from bifrost.settings import PROJECT
from tests.live.waiting import SOON_S, eventually


class EngineServer:
    """The server's process and its API. `values` are its settings."""

    def __init__(self, values: Mapping[str, str], log: Path) -> None:
        self._url = f"http://{LOOPBACK}:{values['BIFROST_PORT_KSQLDB']}"
        self.values = values
        self.log = log
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "bifrost.server")
        with self.log.open("w") as output:
            return subprocess.Popen(command, env=dict(self.values), cwd=PROJECT, stdout=output, stderr=output)

    def restart(self) -> None:
        """Starts the server again after its end, with a new log."""
        self.process.wait(SOON_S)
        self.process = self._started()
        eventually(self.is_ready, "the server")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return requests.get(f"{self._url}/info", timeout=SOON_S).status_code == 200
        except requests.ConnectionError:
            return False

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        # Any of its threads may have started them.
        lists = (path.read_text() for path in children.parents[1].glob("*/children"))
        return sorted(int(pid) for text in lists for pid in text.split())

    def execute(self, text: str, **properties: str) -> list[dict]:
        body = {"ksql": text, "streamsProperties": properties}
        answer = requests.post(f"{self._url}/ksql", json=body, timeout=SOON_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pulled(self, sql: str) -> list[list]:
        """The rows of a pull query; none while it cannot be answered."""
        answer = requests.post(f"{self._url}/query-stream", json={"sql": sql}, timeout=SOON_S)
        assert answer.status_code in (200, 503), answer.text
        return [json.loads(line) for line in answer.text.splitlines()[1:]] if answer.status_code == 200 else []

    def pushed(self, sql: str) -> list[list]:
        """The rows of a push query with a limit, from the beginning."""
        body = {"sql": sql, "properties": {"auto.offset.reset": "earliest"}}
        answer = requests.post(f"{self._url}/query-stream", json=body, timeout=SOON_S)
        return [json.loads(line) for line in answer.text.splitlines()[1:]]

    def states(self) -> dict[str, str]:
        """State by query id."""
        (answer,) = self.execute("SHOW QUERIES;")
        return {query["id"]: query["state"] for query in answer["queries"]}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(SOON_S)


@contextmanager
def running_engine(settings: Mapping[str, str], port: int, folder: Path, *, workers: int) -> Iterator[EngineServer]:
    """A server on the brokers and registry that the settings name; ends with its workers."""
    values = {
        **settings,
        "BIFROST_HOME": str(folder),
        "BIFROST_PORT_KSQLDB": str(port),
        "KSQL_SERVICE_ID": f"live_{uuid.uuid4().hex[:8]}_",
        "KSQL_WORKERS": str(workers),
    }
    server = EngineServer(values, folder / "server.log")
    try:
        eventually(server.is_ready, "the server")
        yield server
    finally:
        running = server.workers()
        if server.process.poll() is None:
            server.stop()
        eventually(lambda: not any(map(is_running, running)), "the end of the workers")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
