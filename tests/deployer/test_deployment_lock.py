"""One deployer at a time, whatever happens to the others."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from bifrost.deployer.live.deployment_lock import BREAK_S, LEASE_S, DeploymentLock, renewed
from bifrost.deployer.live.lock_claims import Deployer
from bifrost.deployer.live.this_process import BootClock, runs, start_of, this_deployer
from bifrost.errors import LockHeld, LockLost, Refused, Unreachable
from tests.fakes.claim_log import FakeClaimLog, SharedEntries
from tests.fakes.clock import FakeClock

ANN = Deployer("ann", "laptop", 7, "2026-11-30 10:00:00 UTC", "deploy.py up")
BOB = replace(ANN, user="bob", host="ci", pid=8)
REFUSED = Refused("Kafka", "write topic t", status=29, body="Topic authorization failed")


class Team:
    """Deployers on one target; by default each is on a machine that the others cannot look into."""

    def __init__(self) -> None:
        self.clock, self.shared, self.waits = FakeClock(), SharedEntries(), []
        self.alive: dict[str, bool | None] = {}

    def lock(self, deployer: Deployer, *, project: str = "bifrost") -> DeploymentLock:
        log = FakeClaimLog(self.shared)
        return DeploymentLock(log, project, deployer, self.clock, is_alive=lambda who: self.alive.get(who.user))

    def acquired(self, deployer: Deployer, timeout_s: float = 0, **options: str) -> DeploymentLock:
        lock = self.lock(deployer, **options)
        lock.acquire(timeout_s, self.waits.append)
        return lock


@pytest.fixture
def team():
    return Team()


def test_a_second_deployer_is_refused_with_the_name_of_the_first(team):
    team.acquired(ANN)

    with pytest.raises(
        LockHeld, match=r"nothing was changed: .* by ann@laptop \(process 7, since .*, `deploy.py up`\)"
    ):
        team.acquired(BOB)


def test_the_second_deployer_waits_with_progress_until_the_first_is_done(team):
    first = team.acquired(ANN)
    sleep = team.clock.sleep
    done_at = team.clock.now + 9

    def work(seconds: float) -> None:
        sleep(seconds)
        if team.clock.now >= done_at:
            first.release()
        first.beat()

    team.clock.sleep = work
    second = team.acquired(BOB, 60)

    second.check()
    assert done_at <= team.clock.now < done_at + 2
    assert len(team.waits) == 3
    assert "ann@laptop" in team.waits[0]


def test_deployers_take_turns_in_the_order_of_their_arrival(team):
    first, second, third = team.acquired(ANN), team.lock(BOB), team.lock(replace(ANN, user="cat"))
    for waiting in (second, third):
        waiting._claim()
    first.release()

    assert second._holder().id == second._id
    assert third._holder().id == second._id


def test_another_project_has_its_own_lock(team):
    team.acquired(ANN)
    team.acquired(BOB, project="other")


def test_the_lock_of_an_ended_process_on_this_machine_is_broken_immediately(team):
    team.acquired(ANN)
    team.alive["ann"] = False

    team.acquired(BOB).check()
    assert team.clock.slept == []


def test_a_silent_holder_on_another_machine_loses_its_lock_after_a_while(team):
    team.acquired(ANN)

    team.acquired(BOB, BREAK_S * 2).check()
    assert BREAK_S <= team.clock.now < BREAK_S + 2


def test_a_silent_process_that_still_runs_on_this_machine_keeps_its_lock(team):
    team.acquired(ANN)
    team.alive["ann"] = True

    with pytest.raises(LockHeld):
        team.acquired(BOB, BREAK_S * 2)


def test_a_holder_that_was_suspended_stops_when_another_one_took_over(team):
    first = team.acquired(ANN)
    second = team.acquired(BOB, BREAK_S * 2)

    first.beat()  # its renewal comes too late to count
    with pytest.raises(LockLost, match="bob@ci"):
        first.check()
    second.check()


def test_a_late_renewal_does_not_revive_a_broken_claim(team):
    first = team.acquired(ANN)
    key = team.shared.entries[0].key
    value = team.shared.entries[0].value
    second = team.acquired(BOB, BREAK_S * 2)
    FakeClaimLog(team.shared).append(key, value)  # sent before the suspension, delivered after it

    team.clock.now += 5
    second.check()
    with pytest.raises(LockHeld, match="bob@ci"):
        team.acquired(replace(ANN, user="cat"))
    with pytest.raises(LockLost):
        first.check()


def test_a_suspended_holder_continues_when_nobody_else_wanted_the_lock(team):
    first = team.acquired(ANN)
    team.clock.now += LEASE_S * 10

    first.check()
    with pytest.raises(LockHeld, match="ann@laptop"):
        team.acquired(BOB)


def test_a_suspended_holder_does_not_overtake_one_who_waits(team):
    first = team.acquired(ANN)
    second = team.lock(BOB)
    second._claim()
    team.clock.now += LEASE_S + 1
    second._renewed_at = team.clock.now

    with pytest.raises(LockLost, match="bob@ci"):
        first.check()


def test_a_holder_notices_that_its_claim_was_removed(team):
    first = team.acquired(ANN)
    second = team.lock(BOB)
    second._claim()
    FakeClaimLog(team.shared).append(f"bifrost|lock|{first._id}", None)
    team.clock.now += 3

    with pytest.raises(LockLost):
        first.check()


def test_a_compacted_log_keeps_the_order(team):
    first = team.acquired(ANN)
    second = team.lock(BOB)
    second._claim()
    first.beat()
    team.shared.compact()

    with pytest.raises(LockHeld, match="ann@laptop"):
        team.acquired(replace(ANN, user="cat"))


def test_marks_of_broken_claims_are_cleared_by_a_later_deployment(team):
    team.acquired(ANN)
    team.alive["ann"] = False
    team.acquired(BOB).release()
    assert [entry.value for entry in team.shared.entries if "|broken|" in entry.key] == ["{}"]

    team.acquired(ANN)

    assert [entry.value for entry in team.shared.entries if "|broken|" in entry.key] == ["{}", None]


def test_what_other_versions_wrote_does_not_matter(team):
    log = FakeClaimLog(team.shared)
    for key, value in (
        ("bifrost|statement|ALERTS", "{}"),
        ("bifrost|lock|old", "not JSON"),
        ("bifrost|lock|new", '{"ticket": 0, "user": "x"}'),
        ("bifrost|lock|list", "[1]"),
        ("lock", "{}"),
    ):
        log.append(key, value)

    team.acquired(ANN).check()


def test_a_waiting_deployer_that_gives_up_leaves_no_claim(team):
    first = team.acquired(ANN)
    with pytest.raises(LockHeld):
        team.acquired(BOB)
    first.release()

    team.acquired(replace(ANN, user="cat"))


@pytest.mark.parametrize("error", [REFUSED, Unreachable("Kafka", "write topic t", "no answer")])
def test_what_kafka_says_is_passed_on(team, error):
    lock = DeploymentLock(FakeClaimLog(problem=error), "bifrost", ANN, team.clock)

    with pytest.raises(type(error)):
        lock.acquire(5, team.waits.append)


def test_the_lock_is_released_at_the_end_also_after_a_failure(team):
    with pytest.raises(ZeroDivisionError), renewed(team.acquired(ANN)):
        raise ZeroDivisionError

    team.acquired(BOB)


def test_this_process_runs_and_a_killed_one_does_not():
    me = this_deployer("deploy.py up")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other = replace(me, pid=child.pid, started=start_of(child.pid))
    try:
        assert (runs(me), runs(other)) == (True, True)
    finally:
        os.kill(child.pid, signal.SIGKILL)
    # Its parent has not collected it yet.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert runs(other) is False
    child.communicate()

    assert runs(other) is False
    assert runs(replace(me, started="1")) is False  # another process got the number
    assert runs(replace(me, place="elsewhere")) is None
    assert runs(replace(me, place="")) is None


def test_the_clock_counts():
    assert BootClock().monotonic() <= BootClock().monotonic()
