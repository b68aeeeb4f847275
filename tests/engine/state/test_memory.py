import pytest

from bifrost.engine.state.memory import new_store
from bifrost.engine.state.stores import NEVER, StoreKind, StoreSpec
from bifrost.errors import StateError


class Changelog:
    """A compacted changelog in memory."""

    def __init__(self):
        self.records = {}

    def __call__(self, encode, place, row, timestamp):
        key, value = encode(place, row, timestamp)
        if value is None:
            self.records.pop(key, None)
        else:
            self.records[key] = value

    def restored(self, spec):
        store = new_store(spec, None)
        for key, value in self.records.items():
            store.restore(key, value)
        return store


def spec_of(kind, *, retention_ms=None, columns=("A",), missing=None):
    return StoreSpec("store", kind, retention_ms=retention_ms, columns=columns, missing=missing)


def test_key_value_store_gives_the_row_before_and_forgets():
    store = new_store(spec_of(StoreKind.KEY_VALUE), None)
    assert store.put(("k",), (1,), 10) is None
    assert store.put(("k",), (2,), 5) == (1,)
    assert store.get(("k",)) == ((2,), 5)
    assert store.delete(("k",), 20) == (2,)
    assert store.get(("k",)) is None
    assert store.get(None) is None
    assert store.stream_time == 20


def test_key_value_store_is_restored_from_its_changelog():
    log, spec = Changelog(), spec_of(StoreKind.KEY_VALUE)
    store = new_store(spec, log)
    store.put(("a",), (1,), 10)
    store.put(("b",), (2,), 30)
    store.delete(("a",), 40)
    restored = log.restored(spec)
    assert list(restored.entries()) == [(("b",), ((2,), 30))]
    assert restored.stream_time == 30


def test_rows_of_an_earlier_layout_are_restored_by_column_name():
    log = Changelog()
    new_store(spec_of(StoreKind.KEY_VALUE, columns=("A", "B")), log).put(("k",), (1, 2), 10)
    restored = log.restored(spec_of(StoreKind.KEY_VALUE, columns=("C", "B"), missing=(0, None)))
    assert restored.get(("k",)) == ((0, 2), 10)


def test_rows_with_unknown_columns_are_refused():
    log = Changelog()
    new_store(spec_of(StoreKind.KEY_VALUE, columns=("A", "B")), log).put(("k",), (1, 2), 10)
    log.records = {key: value for key, value in log.records.items() if not key.startswith(b"\xc1")}
    with pytest.raises(StateError, match="unknown columns"):
        log.restored(spec_of(StoreKind.KEY_VALUE, columns=("A",)))


def test_windows_older_than_the_retention_vanish_from_store_and_changelog():
    log, spec = Changelog(), spec_of(StoreKind.WINDOW, retention_ms=100)
    store = new_store(spec, log)
    store.put(("a",), 0, (1,), 5)
    store.put(("a",), 50, (2,), 60)
    store.put(("b",), 120, (3,), 130)
    store.put(("b",), 10, (4,), 130)
    assert [place[:2] for place in store.between(0, 1000)] == [(50, ("a",)), (120, ("b",))]
    assert [place[:2] for place in log.restored(spec).between(0, 1000)] == [(50, ("a",)), (120, ("b",))]


def test_windows_of_one_start_come_in_the_order_of_their_keys():
    store = new_store(spec_of(StoreKind.WINDOW), None)
    for key in ("b", "a", "c"):
        store.put((key,), 0, (key,), 1)
    assert [key for _, key, _ in store.between(0, 0)] == [("a",), ("b",), ("c",)]
    assert list(store.windows(("a",))) == [(0, (("a",), 1))]
    assert store.get(("a",), 10) is None


def test_sessions_are_found_by_overlap_and_expire_by_their_end():
    log, spec = Changelog(), spec_of(StoreKind.SESSION, retention_ms=100)
    store = new_store(spec, log)
    store.put(("a",), 0, 10, (1,))
    store.put(("a",), 40, 50, (2,))
    assert [found[:2] for found in store.find(("a",), 10, 39)] == [(0, 10)]
    assert [found[:2] for found in store.find(("a",), 0, 100)] == [(0, 10), (40, 50)]
    store.put(("b",), 120, 130, (3,))
    assert sorted(found[:2] for found in store.sessions()) == [(40, 50), (120, 130)]
    assert sorted(found[:2] for found in log.restored(spec).sessions()) == [(40, 50), (120, 130)]
    store.remove(("a",), 40, 50)
    assert store.find(("a",), 0, 1000) == []


def test_join_buffer_keeps_rows_of_equal_time_in_order_and_forgets_old_ones():
    log, spec = Changelog(), spec_of(StoreKind.BUFFER, retention_ms=100)
    buffer = new_store(spec, log)
    buffer.put(("a",), (2,), 20)
    buffer.put(("a",), (1,), 10)
    buffer.put(("a",), (3,), 20)
    assert buffer.fetch(("a",), 10, 20) == [(10, (1,)), (20, (2,)), (20, (3,))]
    assert buffer.oldest == 10
    buffer.put(("b",), (4,), 115)
    assert buffer.fetch(("a",), 0, 1000) == [(20, (2,)), (20, (3,))]
    assert log.restored(spec).fetch(("a",), 0, 1000) == [(20, (2,)), (20, (3,))]
    buffer.remove(("a",), 20)
    assert buffer.oldest == 115
    buffer.remove(("b",), 115)
    assert buffer.oldest == NEVER
    assert len(buffer) == 0


def test_rows_before_a_time_are_taken_out_in_order():
    log, spec = Changelog(), spec_of(StoreKind.BUFFER)
    buffer = new_store(spec, log)
    for key, timestamp in (("b", 5), ("a", 5), ("a", 1), ("c", 9)):
        buffer.put((key,), (key,), timestamp)
    buffer.remove(("a",), 1)
    assert buffer.take_older(9) == [(5, ("a",), ("a",)), (5, ("b",), ("b",))]
    assert buffer.oldest == log.restored(spec).oldest == 9


def test_sessions_that_ended_in_a_span_of_time_come_once_by_their_end():
    store = new_store(spec_of(StoreKind.SESSION), None)
    for key, start, end in (("b", 0, 5), ("a", 0, 5), ("a", 6, 8), ("c", 9, 10)):
        store.put((key,), start, end, (key,))
    store.remove(("b",), 0, 5)
    store.put(("b",), 0, 5, ("again",))
    assert [found[:3] for found in store.ended(5, 10)] == [(0, 5, ("a",)), (0, 5, ("b",)), (6, 8, ("a",))]


def test_a_session_store_grows_with_sessions_not_with_records():
    store = new_store(StoreSpec("s", StoreKind.SESSION, retention_ms=10_000_000), None)
    for end in range(20_000):
        if end:
            store.remove(("k",), 0, end - 1)
        store.put(("k",), 0, end, (end,))
    assert len(store) == 1
    assert len(store._store._ends) < 1_000
    assert store.ended(0, 30_000) == [(0, 19_999, ("k",), ((19_999,), 19_999))]


def test_a_restored_session_store_has_no_entries_of_removed_sessions():
    written = []
    store = new_store(
        StoreSpec("s", StoreKind.SESSION, retention_ms=10_000_000), lambda *change: written.append(change)
    )
    for end in range(2_000):
        if end:
            store.remove(("k",), 0, end - 1)
        store.put(("k",), 0, end, (end,))
    restored = new_store(StoreSpec("s", StoreKind.SESSION, retention_ms=10_000_000), None)
    for encode, key, row, timestamp in written:
        restored.restore(*encode(key, row, timestamp))
    assert len(restored) == 1
    assert len(restored._store._ends) < 1_000


def test_a_session_that_is_removed_and_stored_again_is_found_once():
    store = new_store(StoreSpec("s", StoreKind.SESSION, retention_ms=100), None)
    for row in (1, 2):
        store.put(("k",), 5, 9, (row,))
        if row == 1:
            store.remove(("k",), 5, 9)
    assert store.ended(0, 10) == [(5, 9, ("k",), ((2,), 9))]
    store.put(("k",), 200, 200, (3,))
    assert [session[:2] for session in store.sessions()] == [(200, 200)]
