"""Plans that wait for a confirmation: each counts once, for a while."""

import weakref

import pytest

from bifrost.console.operated.pending_actions import MAX_PENDING, VALID_S, PendingActions, PlannedAction
from bifrost.errors import OperationRefused


def planned(name: str) -> PlannedAction:
    return PlannedAction("drop", name, (), lambda _target: "done")


def test_a_token_confirms_its_plan_once():
    pending = PendingActions(lambda: 0.0)
    first, second = pending.add(planned("a")), pending.add(planned("b"))
    assert pending.take(second).thing == "b"
    assert pending.take(first).thing == "a"
    for token in (first, "", "x"):
        with pytest.raises(OperationRefused, match="no longer valid"):
            pending.take(token)


def test_an_old_plan_is_refused():
    now = [0.0]
    pending = PendingActions(lambda: now[0])
    token = pending.add(planned("a"))
    now[0] = VALID_S + 1
    with pytest.raises(OperationRefused):
        pending.take(token)


def test_the_oldest_plans_are_dropped():
    pending = PendingActions(lambda: 0.0)
    tokens = [pending.add(planned(str(number))) for number in range(MAX_PENDING + 1)]
    with pytest.raises(OperationRefused):
        pending.take(tokens[0])
    assert pending.take(tokens[1]).thing == "1"


def test_plans_that_are_too_old_take_no_memory():
    now = [0.0]
    pending = PendingActions(lambda: now[0])
    large = planned("thousands of dead letters")
    pending.add(large)
    is_held = weakref.ref(large)
    del large
    now[0] = VALID_S + 1
    pending.add(planned("b"))
    assert is_held() is None
