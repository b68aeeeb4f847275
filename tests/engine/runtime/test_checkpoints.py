"""State on disk: what a restart reads from it, and when it reads the changelog instead."""

import stat

import pytest

from bifrost.clients.kafka import OffsetRange
from bifrost.engine.runtime.checkpoints import ChangelogReport, Checkpoints
from bifrost.engine.runtime.delivery_ledger import DeliveryLedger
from bifrost.engine.runtime.runner import QueryState
from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.home import StateHome
from bifrost.engine.state.memory import new_store
from bifrost.engine.state.stores import StoreKind, StoreSpec
from bifrost.engine.state.task_state import TaskState
from tests.engine.runtime.engines import World, execute

STREAM = "CREATE STREAM S (K STRING KEY, A INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');"
COUNT = "CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM S GROUP BY K EMIT CHANGES;"
QUERY = "CTAS_N_1"
IN_MEMORY, ON_DISK = 1 << 30, 0


@pytest.fixture(params=[IN_MEMORY, ON_DISK], ids=["memory", "disk"])
def budget(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def world(folder, budget, monkeypatch):
    monkeypatch.setattr("bifrost.engine.runtime.checkpoints._TEND_EVERY_S", 0.0)
    made = World(StateHome(folder, StateBudget(budget)))
    yield made
    made.close()


def count_of(world, counts, sent=1):
    """Sends records of one key, and waits until the query has written these counts in all."""
    for _ in range(sent):
        world.send("s", {"A": 1}, "x")
    world.wait_for("N", [{"C": count} for count in range(1, counts + 1)])


def changelogs(world):
    return {name for name in world.cluster.admin.topics() if name.endswith("-changelog")}


def committed(world, engine, records):
    """Waits until a number of input records is committed, and what belongs to them is on disk."""
    world.cluster.wait_for(lambda: world.committed(QUERY, "s") == records)
    return engine.state.queries.get(QUERY).runner


def restarted_without_changelog(world, **properties):
    """Starts an engine that can read no changelog."""
    world.cluster.unreadable = changelogs(world)
    engine = world.engine(**properties)
    runner = engine.state.queries.get(QUERY).runner
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)
    return engine


GUARANTEES = pytest.mark.parametrize(
    "properties", [{}, {"processing.guarantee": "exactly_once_v2"}], ids=["at least once", "exactly once"]
)


@GUARANTEES
def test_a_clean_restart_reads_no_changelog(world, properties):
    first = world.engine(**properties)
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    second = restarted_without_changelog(world, **properties)
    count_of(world, 4)
    second.close()
    restarted_without_changelog(world, **properties)
    count_of(world, 5)


@GUARANTEES
def test_after_a_kill_the_rest_of_the_changelog_completes_the_state(world, properties):
    first = world.engine(**properties)
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    second = world.engine(**properties)
    count_of(world, 6, sent=3)
    committed(world, second, 6)
    world.cluster.kill_clients()
    second.close()
    world.engine(**properties)
    count_of(world, 7)


@GUARANTEES
@pytest.mark.parametrize("budget", [IN_MEMORY], ids=["memory"])
def test_after_a_kill_a_store_in_memory_is_read_from_its_copy(world, properties, monkeypatch):
    states = []

    def new_state(*arguments):
        states.append(TaskState(*arguments))
        return states[-1]

    monkeypatch.setattr("bifrost.engine.runtime.checkpoints.TaskState", new_state)
    monkeypatch.setattr("bifrost.engine.state.mirrors._WORTH_COPYING", 1)
    monkeypatch.setattr("bifrost.engine.state.mirrors._COPY_EVERY_S", 0.0)
    monkeypatch.setattr("bifrost.engine.runtime.checkpoints._SHORTEST_PAUSE_S", 0.0)
    first = world.engine(**properties)
    execute(first, STREAM + COUNT)
    for sent in (1, 2, 3):
        count_of(world, sent)
        committed(world, first, sent)
    world.cluster.wait_for(lambda: states[0].has_copies and not states[0].backlog)
    world.cluster.kill_clients()
    first.close()
    restarted_without_changelog(world, **properties)
    count_of(world, 4)


class OneTask:
    """A task with one store, and commits whose delivery reports arrive or do not."""

    def __init__(self, folder):
        self.changes = {}
        self.store = new_store(StoreSpec("S", StoreKind.KEY_VALUE, columns=("A",)), self._changed)
        self.checkpoints = Checkpoints(StateHome(folder, StateBudget(IN_MEMORY)), "q", lambda: 0)
        self.loaded = self.checkpoints.load({(0, 0): self}, {("S", 0): ("topic", OffsetRange(0, 10))})

    def stores(self):
        return {"S": self.store}

    def _changed(self, encode, key, row, timestamp):
        self.changes[key] = encode(key, row, timestamp)

    def commit(self, value, following):
        self.store.put((f"key {value}",), (value,), 0)
        self.checkpoints.begin_commit()
        report = ChangelogReport(DeliveryLedger(lambda *_: None).group(), 20, following, list(self.changes.values()))
        self.changes.clear()
        self.checkpoints.committed({("S", 0): report}, in_transaction=True)


def test_a_copy_has_the_changes_of_a_commit_whose_reports_never_arrive(folder, monkeypatch):
    monkeypatch.setattr("bifrost.engine.state.mirrors._WORTH_COPYING", 1)
    monkeypatch.setattr("bifrost.engine.runtime.checkpoints._SHORTEST_PAUSE_S", 0.0)
    task = OneTask(folder)
    for value, following in ((1, 2), (2, 4), (3, 0), (4, 8)):
        task.commit(value, following)
    while task.checkpoints.backlog:
        task.checkpoints.tend()
    task.checkpoints.close(clean=False)
    second = OneTask(folder)
    assert second.loaded == {("S", 0): 9}
    assert {key: row for key, (row, _) in second.store.entries()} == {
        (f"key {value}",): (value,) for value in (1, 2, 3, 4)
    }
    second.checkpoints.close(clean=False)


def test_the_state_belongs_to_the_owner_of_the_process_alone(world, folder):
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    count_of(world, 1)
    engine.close()
    assert [path.name for path in (folder / QUERY).iterdir()] == ["0_0"]
    assert stat.S_IMODE((folder / QUERY / "0_0").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / QUERY / "0_0").iterdir()} == {0o600}


def test_a_terminated_query_leaves_no_state_on_disk(world, folder):
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    count_of(world, 1)
    engine.close()
    second = world.engine()
    count_of(world, 2)
    execute(second, f"TERMINATE {QUERY};")
    assert list(folder.iterdir()) == []


def damage(content):
    """Makes a function that overwrites a part of the database."""

    def change(path):
        data = path.read_bytes()
        path.write_bytes(content(data))

    return change


@pytest.mark.parametrize(
    "damaged",
    [
        damage(lambda data: data[:5000]),
        damage(lambda data: b""),
        damage(lambda data: b"no database" * 1000),
        damage(lambda data: data[:9000] + bytes(len(data) - 9000)),
        damage(lambda data: data[:-1] + b"x"),
    ],
    ids=["truncated", "empty", "garbage", "zeroes", "one byte"],
)
def test_a_damaged_state_is_not_used(world, folder, damaged, caplog):
    first = world.engine()
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    damaged(folder / QUERY / "0_0" / "data.mdb")
    second = world.engine()
    count_of(world, 4)
    second.close()
    restarted_without_changelog(world)
    count_of(world, 5)


def test_the_state_of_a_changelog_that_was_created_again_is_not_used(world, caplog):
    first = world.engine()
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    (changelog,) = changelogs(world)
    records = world.cluster.records(changelog)
    world.cluster.admin.delete(changelog)
    world.cluster.create_topic(changelog, 1, {})
    for record in records:
        world.cluster.write(changelog, record.value_bytes, record.key_bytes, timestamp=record.time)
    world.engine()
    count_of(world, 4)
    assert "the changelog topic was created again" in caplog.text


def test_a_changelog_that_lost_its_end_is_not_completed_by_the_state(world, caplog):
    first = world.engine()
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    (changelog,) = changelogs(world)
    topic = world.cluster.admin.topics_by_name[changelog]
    topic.partitions[0].clear()
    topic.following[0] = 1
    second = world.engine()
    world.cluster.wait_for(lambda: second.state.queries.get(QUERY).runner.state is QueryState.RUNNING)
    assert "the changelog has the offsets 1 to 1" in caplog.text


def test_state_that_another_process_has_open_makes_the_query_wait(world, folder):
    from bifrost.engine.state.disk.database import StateDatabase

    first = world.engine()
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    first.close()
    other = StateDatabase(folder / QUERY / "0_0", [])
    second = world.engine()
    runner = second.state.queries.get(QUERY).runner
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert "another process has it open" in runner.errors[-1].message
    other.close()
    count_of(world, 4)


@pytest.mark.parametrize("budget", [ON_DISK], ids=["disk"])
def test_a_full_disk_is_an_error_of_the_query_that_names_the_cause(world, monkeypatch):
    monkeypatch.setattr("bifrost.engine.state.disk.database._LARGEST", 1 << 17)
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    runner = engine.state.queries.get(QUERY).runner
    for number in range(3000):
        world.send("s", {"A": 1}, f"a rather long key {number}")
    world.cluster.wait_for(lambda: runner.state is QueryState.ERROR)
    assert "state cannot be written to" in runner.errors[-1].message
    assert "make room" in runner.errors[-1].message
    monkeypatch.undo()
    world.cluster.wait_for(lambda: runner.state is QueryState.RUNNING)
    world.cluster.wait_for(lambda: len(world.values("N")) >= 3000)


@pytest.mark.parametrize("budget", [IN_MEMORY], ids=["memory"])
def test_a_full_disk_does_not_stop_a_query_with_its_state_in_memory(world, monkeypatch, caplog):
    monkeypatch.setattr("bifrost.engine.state.disk.database._LARGEST", 1 << 12)
    monkeypatch.setattr("bifrost.engine.state.mirrors._WORTH_COPYING", 1)
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    for sent in range(1, 6):
        count_of(world, sent)
        committed(world, engine, sent)
    assert "stores in memory are not copied any more" in caplog.text
    assert "make room" in caplog.text
    runner = engine.state.queries.get(QUERY).runner
    assert runner.state is QueryState.RUNNING and not runner.errors


@pytest.mark.parametrize("budget", [IN_MEMORY], ids=["memory"])
def test_a_full_disk_at_a_stop_costs_no_state(world, monkeypatch, caplog):
    first = world.engine()
    execute(first, STREAM + COUNT)
    count_of(world, 3, sent=3)
    monkeypatch.setattr("bifrost.engine.state.disk.database._LARGEST", 1 << 12)
    first.close()
    assert "it reads its changelogs at the next start" in caplog.text
    monkeypatch.undo()
    world.engine()
    count_of(world, 4)


@pytest.mark.parametrize("budget", [20_000], ids=["20 kB"])
def test_the_largest_store_moves_to_disk_once_the_budget_is_exceeded(world):
    engine = world.engine()
    execute(engine, STREAM + COUNT + "CREATE TABLE SMALL AS SELECT A, COUNT(*) AS C FROM S GROUP BY A EMIT CHANGES;")
    for number in range(300):
        world.send("s", {"A": 1}, f"{number}")
    large, small = (query.runner for query in engine.state.queries)

    def on_disk(runner):
        return [store.is_on_disk for _, task in runner.tasks() for store in task.stores().values()]

    world.cluster.wait_for(lambda: len(world.values("N")) == 300 and on_disk(large) == [True])
    assert on_disk(small) == [False]
    rows = {row.key: row.row for _, task in large.tasks() for row in task.scan()}
    assert rows == {(f"{number}",): (1,) for number in range(300)}


def test_the_size_of_a_store_is_known_after_a_commit(world):
    engine = world.engine()
    execute(engine, STREAM + COUNT)
    count_of(world, 3, sent=3)
    runner = committed(world, engine, 3)
    world.cluster.wait_for(lambda: any(size.encoded_bytes for size in runner.store_sizes().values()))
    ((_, size),) = runner.store_sizes().items()
    assert size.rows == 1
    assert 5 < size.encoded_bytes < 50
