"""A store on disk gives the same results as a store in memory, through commits, moves, restarts and restores."""

import random
import shutil
import time
from decimal import Decimal

import pytest

from bifrost.engine.state.budget import StateBudget
from bifrost.engine.state.codec import decode
from bifrost.engine.state.frozen import FrozenDict, FrozenList
from bifrost.engine.state.memory import new_store
from bifrost.engine.state.ordering import sort_key
from bifrost.engine.state.stores import NEVER, StoreKind, StoreSpec
from bifrost.engine.state.task_state import TaskState
from bifrost.errors import StateError
from tests.examples import sampled

KEYS = [
    ("a",),
    ("b",),
    ("long " * 200,),
    ("long " * 199 + "other",),
    (None,),
    (7,),
    (-7,),
    (1.5,),
    (Decimal("2.50"),),
    (b"\x00\xff",),
    (FrozenList((1, "x")),),
    (FrozenDict((("p", 1), ("q", 2))),),
    (FrozenDict((("q", 2), ("p", 1))),),
    ("a\x00",),
]
TOPIC, RETENTION_MS = "topic", 100


@pytest.fixture
def new_task(tmp_path):
    """Makes tasks with folders of their own, and closes them after the test."""
    made = []

    def new(kind, *, on_disk):
        made.append(Task(tmp_path / f"{len(made)}", kind, on_disk=on_disk))
        return made[-1]

    yield new
    for task in made:
        task.kill()


class Task:
    """A store in a folder, with the changelog that its commits write; `restart` opens it again."""

    def __init__(self, folder, kind, *, on_disk):
        self.spec = StoreSpec(
            "S", kind, retention_ms=None if kind is StoreKind.KEY_VALUE else RETENTION_MS, columns=("A",)
        )
        self.folder = folder
        self.on_disk = on_disk
        self.changelog = []
        self.gathered = {}
        self.open()

    def open(self):
        self.gathered.clear()
        self.store = new_store(self.spec, self._changed)
        self.state = TaskState(self.folder, {"S": self.store}, StateBudget(1 << 20), lambda: 0)
        offset = self.state.load({"S": (TOPIC, 0, len(self.changelog))}).get("S", 0)
        for key, value in self.changelog[offset:]:
            self.store.restore(key, value)
        if self.changelog:
            self.state.restored("S", len(self.changelog), 50)
        if self.on_disk and not self.store.is_on_disk:
            self.state.move("S")
        return offset

    def _changed(self, encode, place, row, timestamp):
        self.gathered[place] = encode, row, timestamp

    def begin_commit(self):
        self.state.begin_commit()
        sent, self.gathered = self.gathered, {}
        self.sent = [encode(place, row, at) for place, (encode, row, at) in sent.items()]
        self.changelog += self.sent
        return len(self.changelog)

    def commit(self):
        following = self.begin_commit()
        self.state.committed({"S": (following, 50)}, {"S": self.sent})

    def stop(self):
        self.commit()
        self.state.close(clean=True)

    def kill(self):
        """What a kill leaves: everything since the last commit is lost."""
        self.state.close(clean=False)


PAIRS = [(first, second) for first in KEYS for second in KEYS[:4]]


def change_key_value(store, chance):
    key, at = chance.choice(KEYS if chance.random() < 0.5 else PAIRS), chance.randrange(1000)
    return store.put(key, (at,), at) if chance.random() < 0.7 else store.delete(key, at)


def change_window(store, chance):
    start = chance.randrange(0, 60) * 10 if chance.random() < 0.9 else chance.randrange(0, 9) * 100
    return store.put(chance.choice(KEYS), start, (chance.randrange(9),), start + chance.randrange(10))


def change_session(store, chance):
    key, start = chance.choice(KEYS), chance.randrange(0, 50) * 10
    if chance.random() < 0.3:
        for found in store.find(key, start, start + 50)[:1]:
            store.remove(key, *found[:2])
        return None
    return store.put(key, start, start + chance.randrange(3) * 10, (chance.randrange(9),))


def change_buffer(store, chance):
    key, at = chance.choice(KEYS), chance.randrange(0, 60) * 5
    if chance.random() < 0.2:
        return store.remove(key, at)
    if chance.random() < 0.1:
        return store.take_older(at)
    return store.put(key, (chance.randrange(9),), at)


def by_key(entry):
    return sort_key(entry[0])


def looks(store, kind, chance):
    """Everything that can be read from a store."""
    key, first = chance.choice(KEYS), chance.randrange(0, 300)
    last = first + chance.randrange(0, 200)
    seen = [len(store)]
    match kind:
        case StoreKind.KEY_VALUE:
            seen += [store.get(key), store.get(None), sorted(store.entries(), key=by_key)]
            seen.append([store.get(key) for key in (*KEYS, *PAIRS)])
            seen += [sorted(store.pairs_of(first), key=by_key) for first in (*KEYS, "x")]
        case StoreKind.WINDOW:
            seen += [store.newest, store.get(key, first // 10 * 10), list(store.windows(key))]
            seen += [list(store.between(first, last)), list(store.between(-1, NEVER))]
        case StoreKind.SESSION:
            seen += [store.find(key, first, last), store.find(key, -1, NEVER), store.ended(first, last)]
            seen.append(sorted(store.sessions(), key=lambda found: (found[:2], sort_key(found[2]))))
        case StoreKind.BUFFER:
            seen += [store.fetch(key, first, last), store.oldest]
    return seen


CHANGES = {
    StoreKind.KEY_VALUE: change_key_value,
    StoreKind.WINDOW: change_window,
    StoreKind.SESSION: change_session,
    StoreKind.BUFFER: change_buffer,
}


@pytest.fixture(params=CHANGES, ids=lambda kind: kind.value)
def kind(request):
    return request.param


@pytest.fixture
def copies_small_stores(monkeypatch):
    """Copies of stores in memory begin after few changes, and are written in small steps."""
    monkeypatch.setattr("bifrost.engine.state.mirrors._WORTH_COPYING", 5)
    monkeypatch.setattr("bifrost.engine.state.mirrors._COPY_EVERY_S", 0.0)
    monkeypatch.setattr("bifrost.engine.state.mirrors._STEP", 3)


def copy_some(task):
    """One step of a copy, seldom more."""
    task.state.write_copies(time.monotonic() + 0.0001)


def copy_all(task):
    while task.state.backlog:
        copy_some(task)


@pytest.mark.parametrize("seed", sampled(range(6), every=3))
def test_the_same_changes_give_the_same_results(new_task, kind, seed, copies_small_stores):
    memory = new_task(kind, on_disk=False)
    disk = new_task(kind, on_disk=True)
    steps = random.Random(seed)
    for step in range(1500):
        action = steps.random()
        number = steps.randrange(1 << 30)
        if action < 0.03:
            for task in (memory, disk):
                task.commit()
        elif action < 0.04:
            for task in (memory, disk):
                task.stop()
                assert task.open() == len(task.changelog)
        elif action < 0.05:
            for task in (memory, disk):
                task.kill()
                task.open()
        elif action < 0.1:
            copy_some(memory)
        else:
            results = [CHANGES[kind](task.store, random.Random(number)) for task in (memory, disk)]
            assert results[0] == results[1], step
        if action > 0.8:
            seen = [looks(task.store, kind, random.Random(number)) for task in (memory, disk)]
            assert seen[0] == seen[1], step
            # A kill loses the times of rows that were changed again before their commit, if state is in memory.
            assert memory.store.stream_time <= disk.store.stream_time
    assert disk.store.is_on_disk and not memory.store.is_on_disk
    if kind is not StoreKind.BUFFER:  # the numbers of its rows may differ
        assert keys_of(memory.changelog) == keys_of(disk.changelog)


def keys_of(changelog):
    return {tuple(decode(key)) for key, _ in changelog if not key.startswith(b"\xc1")}


def test_a_store_moves_to_disk_while_it_is_used(new_task, kind):
    memory = new_task(kind, on_disk=False)
    moving = new_task(kind, on_disk=False)
    for number in range(600):
        for task in (memory, moving):
            CHANGES[kind](task.store, random.Random(number))
        if number == 300:
            moving.state.begin_commit()
            moving.state.move("S")
            moving.state.committed({"S": (0, 50)}, {"S": []})
    seen = [looks(task.store, kind, random.Random(1)) for task in (memory, moving)]
    assert seen[0] == seen[1]


def test_what_a_kill_leaves_is_the_state_at_the_last_commit(new_task, kind):
    """The commit that was in progress, and what came after it, must not be on disk."""
    disk, expected = new_task(kind, on_disk=True), new_task(kind, on_disk=False)
    for number in range(200):
        for task in (disk, expected):
            CHANGES[kind](task.store, random.Random(number))
    disk.commit()
    following = len(disk.changelog)
    for number in range(200, 300):
        CHANGES[kind](disk.store, random.Random(number))
    disk.begin_commit()
    for number in range(300, 400):
        CHANGES[kind](disk.store, random.Random(number))
    disk.kill()
    del disk.changelog[following:]
    assert disk.open() == following
    seen = [looks(task.store, kind, random.Random(1)) for task in (expected, disk)]
    assert seen[0] == seen[1]


def test_after_a_kill_only_the_changelog_behind_the_copy_is_read(new_task, kind, copies_small_stores):
    copied, expected = new_task(kind, on_disk=False), new_task(kind, on_disk=False)
    for number in range(100):
        for task in (copied, expected):
            CHANGES[kind](task.store, random.Random(number))
        if number in (30, 60, 80):
            copied.commit()
    copy_all(copied)
    complete = len(copied.changelog)
    # What a commit in progress has sent, and what came after it, is not in the copy.
    copied.begin_commit()
    copy_all(copied)
    copied.kill()
    assert copied.open() == complete > 0
    assert not copied.store.is_on_disk
    seen = [looks(task.store, kind, random.Random(1)) for task in (expected, copied)]
    assert seen[0] == seen[1]


def test_a_kill_during_a_copy_leaves_the_one_before(new_task, kind, copies_small_stores):
    copied, expected = new_task(kind, on_disk=False), new_task(kind, on_disk=False)
    complete = 0
    for number in range(600):
        for task in (copied, expected):
            CHANGES[kind](task.store, random.Random(number))
        if number % 100 == 50:
            copied.commit()
            if number == 250:
                copy_all(copied)
                complete = len(copied.changelog)
    for task in (copied, expected):
        task.commit()
    copied.state.write_copies(0)
    if copied.state.backlog > 30:
        copy_some(copied)
    assert copied.state.backlog
    copied.kill()
    assert copied.open() == complete > 0
    seen = [looks(task.store, kind, random.Random(1)) for task in (expected, copied)]
    assert seen[0] == seen[1]


def test_restored_stores_are_copied_as_well(new_task, kind, copies_small_stores):
    task = new_task(kind, on_disk=False)
    for number in range(300):
        CHANGES[kind](task.store, random.Random(number))
    task.commit()
    seen = looks(task.store, kind, random.Random(1))
    task.kill()
    shutil.rmtree(task.folder, ignore_errors=True)
    assert task.open() == 0
    copy_all(task)
    task.kill()
    assert task.open() == len(task.changelog)
    assert looks(task.store, kind, random.Random(1)) == seen


def test_a_store_of_few_changes_has_no_copy(new_task, kind):
    task = new_task(kind, on_disk=False)
    for number in range(300):
        CHANGES[kind](task.store, random.Random(number))
        if number % 50 == 0:
            task.commit()
    assert not task.state.backlog
    assert not (task.folder / "data.mdb").exists()


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_records_that_are_restored_twice_change_nothing(new_task, kind, on_disk):
    task = new_task(kind, on_disk=on_disk)
    for number in range(100):
        CHANGES[kind](task.store, random.Random(number))
    task.commit()
    seen = looks(task.store, kind, random.Random(1))
    for key, value in task.changelog[50:]:
        task.store.restore(key, value)
    assert looks(task.store, kind, random.Random(1)) == seen


def test_a_record_that_is_not_the_engines_changes_nothing(new_task, kind):
    task = new_task(kind, on_disk=True)
    CHANGES[kind](task.store, random.Random(3))
    task.commit()
    key = next(key for key, _ in task.changelog if not key.startswith(b"\xc1"))
    seen = looks(task.store, kind, random.Random(1))
    with pytest.raises((TypeError, ValueError, LookupError, StateError)):
        task.store.restore(key, b"\x01")
    assert looks(task.store, kind, random.Random(1)) == seen


def test_a_store_that_moved_during_a_commit_is_not_taken_for_the_state_at_that_commit(new_task, kind):
    disk = new_task(kind, on_disk=False)
    CHANGES[kind](disk.store, random.Random(1))
    following = disk.begin_commit()
    for number in range(2, 50):
        CHANGES[kind](disk.store, random.Random(number))
    disk.state.move("S")
    disk.state.committed({"S": (following, 50)}, {"S": disk.sent})
    disk.kill()
    assert disk.open() == 0


def test_a_cache_of_rows_stays_small(new_task):
    disk = new_task(StoreKind.KEY_VALUE, on_disk=True)
    disk.store.limit_cache(500)
    for number in range(20_000):
        disk.store.put((number,), (number,), number)
        if number % 5000 == 0:
            disk.commit()
    disk.commit()
    assert all(disk.store.get((number,)) == ((number,), number) for number in range(20_000))
    assert len(disk.store._rows) <= 500
    assert len(disk.store) == 20_000


def test_a_row_that_is_often_needed_is_cached_though_the_cache_is_full(new_task):
    disk = new_task(StoreKind.KEY_VALUE, on_disk=True)
    disk.store.limit_cache(100)
    for number in range(1000):
        disk.store.put((number,), (number,), number)
    disk.commit()
    assert (7,) not in disk.store._rows
    # Which look-up caches a row is left to chance: not one of so many is as good as impossible.
    assert any(disk.store.get((7,)) and (7,) in disk.store._rows for _ in range(500))
