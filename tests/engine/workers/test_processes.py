"""Real worker processes: a killed one is replaced and gets its queries again; none outlives the server."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from bifrost.backoff import Backoff
from bifrost.engine.serde import Serdes
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.workers.spawning import by_command
from bifrost.engine.workers.worker_pool import WorkerPool
from bifrost.errors import NotReady, Unreachable
from tests.engine.runtime.engines import NOW_MS, World, execute
from tests.engine.workers.scripted_worker import COMMAND
from tests.waiting import eventually

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, VALUE_FORMAT='JSON');"
COUNT = "CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;"
QUERY = "CTAS_N_1"


class ProcessWorld(World):
    """A world whose engines have two real worker processes."""

    command = COMMAND
    pause = Backoff(0.2)

    def hosts(self):
        return WorkerPool(2, by_command(self.command), Serdes(self.registry), lambda: NOW_MS, pause=self.pause)


@pytest.fixture
def world():
    made = ProcessWorld()
    yield made
    made.close()


@pytest.fixture
def engine(world):
    made = world.engine()
    execute(made, STREAM + COUNT)
    eventually(lambda: shown(made) == "RUNNING" and len(rows(made)) == 2)
    return made


def shown(engine):
    (found,) = execute(engine, "SHOW QUERIES;")
    return found.queries[0].state


def rows(engine, text="SELECT C FROM N;"):
    try:
        return engine.query(text, ClientSession()).rows
    except (NotReady, Unreachable):
        return []


def pids(engine):
    return [worker.pid for worker in engine.parts.launcher.hosts.workers]


def is_alive(pid):
    try:
        # A zombie that its new parent has not collected yet has ended, too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_look_up_goes_to_one_worker_and_a_scan_to_all(engine):
    asked = {row for number in range(20) for row in rows(engine, f"SELECT C FROM N WHERE K = 'key {number}';")}
    assert asked == {(pid,) for pid in pids(engine)}
    assert len(rows(engine, "SELECT C FROM N WHERE K = 'key 1';")) == 1
    assert sorted(rows(engine)) == sorted((pid,) for pid in pids(engine))


def test_a_killed_worker_is_replaced_and_gets_its_queries_again(engine):
    dead, other = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: rows(engine) and (dead,) not in rows(engine))
    new, same = pids(engine)
    assert same == other
    assert new != dead
    assert shown(engine) == "RUNNING"
    errors = [error.message for error in engine.state.queries.get(QUERY).runner.errors]
    assert errors == ["worker 1 of 2: its process was ended by signal SIGKILL; it starts again in 0.2 s"]


def test_while_a_worker_is_down_its_queries_say_so_and_the_other_answers(world):
    world.pause = Backoff(3600.0, 3600.0)
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    eventually(lambda: len(rows(engine)) == 2)
    dead, other = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: shown(engine) == "ERROR")
    with pytest.raises((NotReady, Unreachable), match="worker 1 of 2"):
        engine.query("SELECT C FROM N;", ClientSession())
    found = [rows(engine, f"SELECT C FROM N WHERE K = 'key {number}';") for number in range(20)]
    assert [(other,)] in found
    execute(engine, "TERMINATE CTAS_N_1;")


def test_a_paused_query_stays_paused_in_a_new_worker(engine):
    execute(engine, "PAUSE CTAS_N_1;")
    dead, _ = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: pids(engine)[0] not in (dead, None) and shown(engine) == "PAUSED")
    execute(engine, "RESUME CTAS_N_1;")
    eventually(lambda: shown(engine) == "RUNNING")


def test_a_new_worker_does_not_get_a_query_that_was_terminated(engine):
    execute(engine, "TERMINATE CTAS_N_1;")
    worker = engine.parts.launcher.hosts.workers[0]
    dead = worker.pid
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: worker.pid not in (dead, None) and not worker.problem)
    assert worker.statuses() == {}


def test_a_command_that_cannot_be_started_is_an_error_of_the_queries(world):
    world.command = ("/nonexistent/worker",)
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    eventually(lambda: shown(engine) == "ERROR")
    errors = engine.state.queries.get(QUERY).runner.errors
    assert "cannot be started" in errors[0].message
    assert "/nonexistent/worker" in errors[0].message


def test_closing_the_engine_ends_the_workers(engine):
    running = pids(engine)
    engine.close()
    eventually(lambda: not any(map(is_alive, running)))


def test_workers_end_with_a_killed_server():
    server = subprocess.Popen([*COMMAND, "--server"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    running = [int(pid) for pid in server.stdout.readline().split()]
    assert len(running) == 2
    assert all(map(is_alive, running))
    server.kill()
    server.wait()
    eventually(lambda: not any(map(is_alive, running)))
    server.stdout.close()
