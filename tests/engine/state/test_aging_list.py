from bifrost.engine.state.aging_list import AgingList
from bifrost.engine.state.memory import new_store
from bifrost.engine.state.stores import StoreKind, StoreSpec


def test_items_are_sorted_and_dropped_from_the_beginning():
    items = AgingList()
    for item in (5, 1, 3, 2, 4):
        items.add(item)
    assert items.drop_before(3) == [1, 2]
    items.add(2)
    assert list(items) == [2, 3, 4, 5]
    assert items.between(3, 5) == [3, 4]
    items.keep(lambda item: item != 4)
    assert list(items) == [2, 3, 5] and len(items) == 3


def test_dropping_items_one_by_one_moves_each_about_once():
    items, live = AgingList(), 10_000
    for item in range(live):
        items.add(item)
    for item in range(live, 10 * live):
        items.add(item)
        assert items.drop_before(item - live + 1) == [item - live]
    assert len(items) == live
    assert items.moved <= 10 * live


def test_items_are_taken_from_anywhere():
    items = AgingList()
    for item in range(200):
        items.add(item)
    assert items.take(0, 3) == [0, 1, 2]
    assert items.take(100, 102) == [100, 101]
    assert items.take(100, 102) == items.take(500, 600) == []
    assert items.take(198, 300) == [198, 199]
    assert list(items) == [*range(3, 100), *range(102, 198)]


def test_a_list_without_spare_keeps_no_more_dropped_items_than_it_has():
    items = AgingList(spare=0)
    for item in range(1000):
        items.add(item)
        items.drop_before(item - 1)
        assert len(items._items) <= 2 * len(items) + 1


def test_expiry_of_a_join_buffer_moves_each_row_about_once_though_all_have_one_key():
    buffer = new_store(StoreSpec("b", StoreKind.BUFFER, retention_ms=20_000), None)
    for at in range(60_000):
        buffer.put(("a",), (at,), at)
    assert len(buffer) == 20_000
    assert buffer.take_older(50_000)[0] == (40_000, ("a",), (40_000,))
    assert buffer._store._by_key[("a",)].moved <= 60_000


def test_expiry_costs_the_same_however_many_sessions_and_windows_live():
    sessions = new_store(StoreSpec("s", StoreKind.SESSION, retention_ms=20_000), None)
    windows = new_store(StoreSpec("w", StoreKind.WINDOW, retention_ms=20_000), None)
    for at in range(60_000):
        sessions.put((at,), at, at, (1,))
        windows.put((at,), at, (1,), at)
    assert len(sessions) == len(windows) == 20_001
    assert sessions._store._ends.moved <= 60_000
    assert windows._store._starts.moved <= 60_000
