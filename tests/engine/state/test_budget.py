"""How the memory of a process is shared by its stores."""

from bifrost.engine.state.budget import StateBudget, size_of

LIMIT = 64 << 20
ROW = size_of(1, 70)


def test_the_largest_store_moves_once_all_together_exceed_the_budget():
    budget = StateBudget(LIMIT)
    assert not budget.must_move("a", [LIMIT // 2])
    assert not budget.must_move("b", [LIMIT // 3, LIMIT // 3])
    assert budget.must_move("a", [LIMIT // 2])


def test_an_owner_that_has_left_takes_no_memory():
    budget = StateBudget(LIMIT)
    budget.must_move("a", [LIMIT], 3)
    budget.leave("a")
    assert not budget.must_move("b", [LIMIT])


def test_caches_share_what_stores_in_memory_leave():
    budget = StateBudget(LIMIT)
    budget.must_move("a", [], 2)
    budget.must_move("b", [LIMIT // 2], 2)
    assert budget.cached_rows(70) == LIMIT // 2 // 4 // ROW


def test_caches_may_always_take_a_quarter_of_the_budget():
    budget = StateBudget(LIMIT)
    assert budget.must_move("a", [LIMIT * 4 // 5], 1)
    assert budget.cached_rows(70) == LIMIT // 4 // ROW
