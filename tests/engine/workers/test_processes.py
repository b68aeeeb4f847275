"""Real worker processes: a killed one is replaced and gets its queries again; none outlives the server."""

import itertools
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bifrost.backoff import Backoff
from bifrost.engine.serde import Serdes
from bifrost.engine.statements.client_session import ClientSession
from bifrost.engine.workers import worker_process
from bifrost.engine.workers.spawning import by_command
from bifrost.engine.workers.worker_pool import WorkerPool
from bifrost.errors import NotReady
from tests import waiting
from tests.engine.runtime.engines import NOW_MS, World, execute
from tests.engine.workers.scripted_worker import COMMAND

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=4, VALUE_FORMAT='JSON');"
COUNT = "CREATE TABLE {name} AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;"
NAMES = (f"T{number}" for number in itertools.count())


def eventually(condition):
    """A process takes seconds to start on a busy machine."""
    waiting.eventually(condition, deadline_s=120.0)


class ProcessWorld(World):
    """A world whose engines have two real worker processes."""

    def __init__(self, command=COMMAND, pause=Backoff(0.2)):  # noqa: B008 - frozen
        super().__init__()
        self.command = command
        self.pause = pause

    def hosts(self):
        return WorkerPool(2, by_command(self.command), Serdes(self.registry), lambda: NOW_MS, pause=self.pause)


@pytest.fixture(scope="module")
def engine():
    """An engine whose workers have started."""
    world = ProcessWorld()
    made = world.engine()
    execute(made, STREAM)
    eventually(lambda: not any(worker.problem for worker in workers(made)))
    yield made
    world.close()


class Table:
    """A table of an engine, named differently in each test."""

    def __init__(self, engine):
        self.engine = engine
        self.name = next(NAMES)
        execute(engine, COUNT.format(name=self.name))
        (self.query,) = [query for query in engine.state.queries if query.plan.sink == self.name]

    def state(self):
        (found,) = execute(self.engine, "SHOW QUERIES;")
        return next(query.state for query in found.queries if query.id == self.query.id)

    def rows(self, condition=""):
        try:
            return self.engine.query(f"SELECT C FROM {self.name}{condition};", ClientSession()).rows
        except NotReady:
            return []

    def errors(self):
        return [error.message for error in self.query.runner.errors]


@pytest.fixture
def table(engine):
    made = Table(engine)
    eventually(lambda: made.state() == "RUNNING" and len(made.rows()) == 2)
    yield made
    if engine.state.queries.find(made.query.id) is not None:
        execute(engine, f"TERMINATE {made.query.id};")


def workers(engine):
    return engine.parts.launcher.hosts.workers


def pids(engine):
    return [worker.pid for worker in workers(engine)]


def is_alive(pid):
    try:
        # A zombie that its new parent has not collected yet has ended, too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_look_up_goes_to_one_worker_and_a_scan_to_all(engine, table):
    found = [table.rows(f" WHERE K = 'key {number}'") for number in range(20)]
    assert all(len(rows) == 1 for rows in found)
    assert {row for rows in found for row in rows} == {(pid,) for pid in pids(engine)}
    assert sorted(table.rows()) == sorted((pid,) for pid in pids(engine))


def test_a_killed_worker_is_replaced_and_gets_its_queries_again(engine, table):
    dead, other = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: len(table.rows()) == 2 and (dead,) not in table.rows())
    new, same = pids(engine)
    assert same == other
    assert new != dead
    assert table.state() == "RUNNING"
    assert table.errors()[-1].startswith("worker 1 of 2: its process was ended by signal SIGKILL; it starts again in ")


def test_a_paused_query_stays_paused_in_a_new_worker(engine, table):
    execute(engine, f"PAUSE {table.query.id};")
    dead, _ = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: pids(engine)[0] not in (dead, None) and table.state() == "PAUSED")
    execute(engine, f"RESUME {table.query.id};")
    eventually(lambda: table.state() == "RUNNING")


def test_a_new_worker_does_not_get_a_query_that_was_terminated(engine, table):
    execute(engine, f"TERMINATE {table.query.id};")
    worker = workers(engine)[0]
    dead = worker.pid
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: worker.pid not in (dead, None) and not worker.problem)
    assert table.query.id not in worker.statuses()


def test_a_worker_that_hangs_holds_up_one_reader_and_not_every_one(engine, table, monkeypatch):
    monkeypatch.setattr(worker_process, "_STATUS_S", 0.3)
    # It counts as silent for longer than this test takes.
    monkeypatch.setattr(worker_process, "_SILENCE_S", 3600.0)
    hanging, _ = pids(engine)
    os.kill(hanging, signal.SIGSTOP)
    try:
        eventually(lambda: table.state() == "ERROR")
        # Who asks from here on gets an answer without a request to the worker that hangs.
        with monkeypatch.context() as patched:
            patched.setattr(workers(engine)[0], "_sent", pytest.fail)
            assert {table.state() for _ in range(20)} == {"ERROR"}
        workers(engine)[0]._silent_until = 0.0
    finally:
        os.kill(hanging, signal.SIGCONT)
    eventually(lambda: table.state() == "RUNNING")
    assert pids(engine)[0] == hanging


def test_while_a_worker_is_down_its_queries_say_so_and_the_other_answers():
    world = ProcessWorld(pause=Backoff(3600.0, 3600.0))
    engine = world.engine()
    execute(engine, STREAM)
    table = Table(engine)
    eventually(lambda: len(table.rows()) == 2)
    dead, other = pids(engine)
    os.kill(dead, signal.SIGKILL)
    eventually(lambda: table.state() == "ERROR" and table.errors())
    with pytest.raises(NotReady, match="worker 1 of 2"):
        engine.query(f"SELECT C FROM {table.name};", ClientSession())
    assert [(other,)] in [table.rows(f" WHERE K = 'key {number}'") for number in range(20)]
    execute(engine, f"TERMINATE {table.query.id};")
    world.close()
    eventually(lambda: not any(map(is_alive, (dead, other))))


def test_a_command_that_cannot_be_started_is_an_error_of_the_queries():
    world = ProcessWorld(command=("/nonexistent/worker",))
    engine = world.engine()
    execute(engine, STREAM)
    table = Table(engine)
    eventually(lambda: table.state() == "ERROR" and table.errors())
    assert "cannot be started" in table.errors()[0]
    assert "/nonexistent/worker" in table.errors()[0]
    world.close()


def test_workers_end_with_a_killed_server():
    with subprocess.Popen([*COMMAND, "--server"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        running = [int(pid) for pid in server.stdout.readline().split()]
        assert len(running) == 2
        assert all(map(is_alive, running))
        server.kill()
    eventually(lambda: not any(map(is_alive, running)))
