"""ksqlDB's client libraries from npm and PyPI against the embedded engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bifrost.clients import ksqldb
from bifrost.errors import NotReady
from tests.live.conftest import Platform
from tests.live.waiting import eventually

HERE = Path(__file__).parent / "ksqldb_clients"
STREAM, TABLE = "CLIENTS_ORDERS", "CLIENTS_STATS"
SETUP_S = 300
CLIENT_S = 120
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")

FIRST, SECOND = {"ID": "o1", "AMOUNT": 1.5}, {"ID": "o2", "AMOUNT": 20.0}


@pytest.fixture(scope="module")
def statements(platform: Platform) -> Iterator[str]:
    """A stream of two rows and a table by the same key; gives the engine's URL."""
    client = ksqldb.from_settings(platform.settings)
    client.execute(
        f"CREATE STREAM {STREAM} (ID STRING KEY, AMOUNT DOUBLE) "
        f"WITH (KAFKA_TOPIC='{STREAM}', PARTITIONS=1, VALUE_FORMAT='JSON');"
        f"CREATE TABLE {TABLE} AS SELECT ID, COUNT(*) AS N FROM {STREAM} GROUP BY ID;"
    )
    for row in (FIRST, SECOND):
        client.execute(f"INSERT INTO {STREAM} (ID, AMOUNT) VALUES ('{row['ID']}', {row['AMOUNT']});")

    def count() -> list[dict[str, Any]]:
        try:
            return client.pull(f"SELECT N FROM {TABLE} WHERE ID = 'o2';")
        except NotReady:
            return []  # the table is still being restored

    eventually(lambda: count() == [{"N": 1}])
    yield platform.endpoints["ksqldb"]
    client.execute(f"DROP TABLE {TABLE} DELETE TOPIC; DROP STREAM {STREAM} DELETE TOPIC;")


def output_of(command: Sequence[str | Path], timeout_s: float, cwd: Path = HERE) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python_with(platform: Platform, name: str, *requirements: str) -> Path:
    """The Python of an environment with these packages; kept with the other downloads."""
    folder = platform.settings.cache / f"client-{name}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = (python, "-m", "pip", "install", "--quiet", "--no-input")
        output_of((*install, "setuptools", "wheel"), SETUP_S)
        # `ksql` can be built only where pip can be imported.
        output_of((*install, "--no-build-isolation", *requirements), SETUP_S)
        (folder / "complete").touch()
    return python


@pytest.mark.parametrize(
    ("program", "requirements"),
    [("ksql_client.py", ("ksql==0.10.2",)), ("ksqldb_client.py", ("ksqldb==1.0.1", "httpx[http2]==0.28.1"))],
)
def test_a_python_client(platform: Platform, statements: str, program: str, requirements: tuple[str, ...]) -> None:
    python = python_with(platform, program.removesuffix(".py"), *requirements)
    found = json.loads(output_of((python, HERE / program, statements, STREAM, TABLE), CLIENT_S))
    if program == "ksql_client.py":
        assert found == {"pushed": [FIRST, SECOND], "pulled": [{"ID": "o1", "N": 1}], "refused": 40001}
    else:
        assert found == {
            "pushed": [[row["ID"], row["AMOUNT"]] for row in (FIRST, SECOND)],
            "pulled": [["o1", 1]],
            "inserted": [{"status": "ok", "seq": 0}],
        }


@needs_node
def test_the_javascript_clients(platform: Platform, statements: str) -> None:
    folder = platform.settings.cache / "client-javascript"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "clients.js"):
        shutil.copy(HERE / name, folder / name)
    output_of(("npm", "install", "--silent", "--no-audit", "--no-fund"), SETUP_S, folder)
    address = urlsplit(statements)

    # Their push queries read from the latest record on, so rows have to arrive meanwhile.
    command = ("node", "clients.js", str(address.hostname), str(address.port), STREAM, TABLE)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        client = ksqldb.from_settings(platform.settings)

        def has_ended() -> bool:
            client.execute(f"INSERT INTO {STREAM} (ID, AMOUNT) VALUES ('later', 3.5);")
            return running.poll() is not None

        eventually(has_ended, "the JavaScript clients' end", CLIENT_S)
        output, errors = running.communicate(timeout=CLIENT_S)
    assert running.returncode == 0, errors
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    later = {"ID": "later", "AMOUNT": 3.5}
    assert found["ksqldb-js"]["pulled"] == [["o1", 1]]
    assert found["ksqldb-js"]["pushed"] == [["later", 3.5]] * 2
    assert found["ksqldb-client"]["pulled"] == [{"ID": "o1", "N": 1}]
    assert found["ksqldb-client"]["pushed"] == [later] * 2
    assert "NOPE" in found["ksqldb-client"]["refused"]
