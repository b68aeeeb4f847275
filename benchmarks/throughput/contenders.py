"""The contenders that run the queries: the engine through its REST API, the peers as separate processes."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path

from benchmarks.engine_server import EngineServer
from benchmarks.throughput.workload import Workload
from bifrost.clients import ksqldb
from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import Refused
from bifrost.settings import PROJECT, Settings

_LOG_TAIL = 2000
QUERIES = ("join", "rejoin", "filter", "count", "rekey")

Pid = Callable[[], int]
Contender = Callable[[str, Workload, str], AbstractContextManager[Pid]]
"""Runs the query of this name over a workload into an output topic until the context ends; yields its process id.

The process id raises RuntimeError once the process has ended.
"""

_SOURCES = """
CREATE STREAM {output}_R (K INT KEY) WITH (KAFKA_TOPIC='{ratings}', VALUE_FORMAT='AVRO');
CREATE TABLE {output}_C (ID INT PRIMARY KEY) WITH (KAFKA_TOPIC='{customers}', VALUE_FORMAT='AVRO');
"""
_QUERIES = {
    "join": """CREATE STREAM {output}_O WITH (KAFKA_TOPIC='{topic}') AS SELECT R.K AS USER_ID, RATING_ID, CHANNEL,
        STARS, MESSAGE, CLUB_STATUS, EMAIL, FIRST_NAME, LAST_NAME FROM {output}_R R LEFT JOIN {output}_C C
        ON R.K = C.ID EMIT CHANGES;""",
    "rejoin": """CREATE STREAM {output}_O WITH (KAFKA_TOPIC='{topic}') AS SELECT R.USER_ID AS USER_ID, RATING_ID,
        CHANNEL, STARS, MESSAGE, CLUB_STATUS, EMAIL, FIRST_NAME, LAST_NAME FROM {output}_R R LEFT JOIN {output}_C C
        ON R.USER_ID = C.ID EMIT CHANGES;""",
    "filter": "CREATE STREAM {output}_O WITH (KAFKA_TOPIC='{topic}') AS SELECT * FROM {output}_R WHERE STARS < 4;",
    "count": """CREATE TABLE {output}_O WITH (KAFKA_TOPIC='{topic}') AS SELECT K, COUNT(*) AS N FROM {output}_R
        WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY K EMIT CHANGES;""",
    "rekey": """CREATE STREAM {output}_O WITH (KAFKA_TOPIC='{topic}') AS SELECT * FROM {output}_R
        PARTITION BY CHANNEL EMIT CHANGES;""",
}


class Engine:
    """The embedded engine of the running platform, or that of a benchmark's own `server`."""

    def __init__(self, settings: Settings, server: EngineServer | None = None) -> None:
        self._client = ksqldb.from_settings(settings) if server is None else server.client
        self._supervisor = SupervisorClient(settings)
        self._server = server

    @contextmanager
    def run(self, query: str, workload: Workload, topic: str) -> Iterator[Pid]:
        """See `Contender`."""
        with self.query(query, workload, topic):
            yield self.pid

    @contextmanager
    def query(self, query: str, workload: Workload, topic: str) -> Iterator[str]:
        """The running query that writes a result."""
        names = {"output": topic.replace("-", "_").upper(), "topic": topic}
        names |= {"ratings": workload.ratings, "customers": workload.customers}
        earliest = {"auto.offset.reset": "earliest"}
        self._client.execute(_SOURCES.format(**names))
        self._client.execute(_QUERIES[query].format(**names), properties=earliest)
        try:
            yield f"{names['output']}_O"
        finally:
            self._drop(names["output"], "TABLE" if query == "count" else "STREAM")

    def pid(self) -> int:
        """The server's process."""
        if self._server is not None:
            return self._server.pid
        return next(status.pid or 0 for status in self._supervisor.status() if status.name == "ksqldb")

    def _drop(self, output: str, kind: str) -> None:
        for statement in (f"DROP {kind} {output}_O;", f"DROP STREAM {output}_R;", f"DROP TABLE {output}_C;"):
            with suppress(Refused):
                self._client.execute(statement)


class Program:
    """A peer that is started for each run and killed after it."""

    def __init__(self, command: tuple[str, ...], servers: str, folder: Path, last: tuple[str, ...] = ()) -> None:
        self._command = command
        self._servers = servers
        self._folder = folder
        self._last = last

    @contextmanager
    def run(self, query: str, workload: Workload, topic: str) -> Iterator[Pid]:
        """See `Contender`."""
        state, output = self._folder / f"{topic}-state", self._folder / f"{topic}.log"
        arguments = (self._servers, query, workload.ratings, workload.customers, topic, str(self._folder), str(state))
        with output.open("w") as log:
            process = subprocess.Popen((*self._command, *arguments, *self._last), stdout=log, stderr=log)

        def pid() -> int:
            if process.poll() is not None:
                raise RuntimeError(f"the program of {query} has ended: {output.read_text()[-_LOG_TAIL:]}")
            return process.pid

        try:
            yield pid
        finally:
            process.kill()
            process.wait()


def kafka_streams(settings: Settings, servers: str, folder: Path, threads: int) -> Program:
    """Build and return the program of `jvm/benchmarks`."""
    built = settings.cache / "benchmarks-java"
    _build(built)
    command = ("java", "-Xmx2g", "-cp", f"{built / 'lib'}/*", "bifrost.benchmarks.Ratings")
    return Program(command, servers, folder, (str(threads),))


@cache
def _build(folder: Path) -> None:
    pom = PROJECT / "jvm" / "benchmarks" / "pom.xml"
    subprocess.run(("mvn", "-q", "-B", "-f", str(pom), "package", f"-Dbenchmarks.dist={folder}"), check=True)


def quix_streams(settings: Settings, servers: str, folder: Path) -> Program:
    """The quix-streams program, in an environment that is created on first use."""
    home, here = settings.cache / "benchmarks-quix", Path(__file__).parent
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    requirements = here / "requirements.txt"
    subprocess.run((str(python), "-m", "pip", "install", "-q", "-r", str(requirements)), check=True)
    return Program((str(python), str(here / "quix_program.py")), servers, folder)
