"""The supervisor's decisions, from scripted events and a clock that the test sets."""

import signal

import pytest

from bifrost.backoff import Backoff
from bifrost.supervisor.component import Component, Restart, starting_order
from tests.supervisor.processes.fake_processes import Stage


def ready() -> None:
    return None


def component(name: str, *depends_on: str, **options) -> Component:
    return Component(name=name, command=(name,), depends_on=depends_on, **{"probe": ready, **options})


def test_components_that_do_not_depend_on_each_other_start_together():
    stage = Stage(component("connect", "broker", "registry"), component("broker"), component("registry"))
    stage.supervisor.start_platform()
    assert stage.did("prepare") == ["broker", "registry"]


def test_a_component_waits_for_all_that_it_depends_on():
    stage = Stage(component("broker"), component("registry"), component("connect", "broker", "registry"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    assert stage.state("connect") == "starting"
    assert "connect" not in stage.did("prepare")
    stage.bring_up("registry")
    assert "connect" in stage.did("prepare")


def test_a_dependency_that_is_not_part_of_this_platform_does_not_count():
    stage = Stage(component("connect", "broker"))
    stage.supervisor.start_platform()
    assert stage.did("prepare") == ["connect"]


def test_a_dependency_on_request_is_waited_for_once_it_was_requested():
    stage = Stage(component("database", with_platform=False), component("connect", "database"))
    stage.supervisor.start_platform()
    assert stage.did("prepare") == ["connect"]
    stage = Stage(component("database", with_platform=False), component("connect", "database"))
    stage.supervisor.start("database")
    stage.supervisor.start_platform()
    assert stage.did("prepare") == ["database"]
    stage.bring_up("database")
    assert stage.did("prepare") == ["database", "connect"]


def test_ready_comes_only_after_the_last_step():
    stage = Stage(component("broker", after_ready=ready))
    stage.supervisor.start_platform()
    stage.prepared("broker")
    stage.probed("broker")
    assert stage.state("broker") == "starting"
    stage.finished("broker")
    assert stage.state("broker") == "ready"


def test_without_a_probe_a_component_is_running_at_once():
    stage = Stage(component("service", probe=None))
    stage.supervisor.start_platform()
    stage.prepared("service")
    assert stage.state("service") == "running"


def test_it_is_probed_again_until_it_is_ready():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.prepared("broker")
    stage.probed("broker", "connection refused")
    stage.probed("broker", "connection refused")
    assert stage.did("probe") == ["broker"] * 3
    assert stage.status("broker").cause == "connection refused"
    stage.probed("broker")
    assert stage.status("broker").cause == ""


def test_one_that_is_not_ready_in_time_is_stopped_and_failed():
    stage = Stage(component("broker", ready_within_s=30, grace_s=5))
    stage.supervisor.start_platform()
    stage.prepared("broker")
    stage.probed("broker", "connection refused")
    stage.pass_time(31)
    assert stage.signals("broker") == [signal.SIGTERM]
    stage.exited("broker", -15)
    assert stage.state("broker") == "failed"
    assert stage.status("broker").cause == "not ready after 30 s: connection refused"


def test_a_suspended_machine_kills_nothing_that_was_starting_or_stopping():
    stage = Stage(component("broker", ready_within_s=30), component("search", grace_s=20), component("s3"))
    stage.supervisor.start_platform()
    stage.prepared("broker")
    stage.bring_up("search")
    stage.bring_up("s3")
    stage.supervisor.stop("search")
    stage.pass_time(10)
    stage.suspend(8 * 3600)
    assert (stage.signals("broker"), stage.signals("search")) == ([], [signal.SIGTERM])
    assert (stage.state("broker"), stage.state("s3")) == ("starting", "ready")
    stage.pass_time(9)
    assert signal.SIGKILL not in stage.signals("search")
    stage.pass_time(2)
    assert stage.signals("search") == [signal.SIGTERM, signal.SIGKILL]
    assert stage.signals("broker") == []
    stage.pass_time(11)
    assert stage.signals("broker") == [signal.SIGTERM]


def test_a_failed_preparation_says_why_and_starts_nothing():
    stage = Stage(component("mariadb"), component("connect", "mariadb"))
    stage.supervisor.start_platform()
    stage.prepared("mariadb", "mariadb: no space left")
    assert stage.state("mariadb") == "failed"
    assert stage.status("mariadb").cause == "mariadb: no space left"
    assert stage.did("spawn") == []


def test_a_program_that_cannot_be_started_is_failed():
    stage = Stage(component("broker"))
    stage.effects.unstartable.add("broker")
    stage.supervisor.start_platform()
    stage.prepared("broker")
    assert stage.state("broker") == "failed"
    assert "cannot run it" in stage.status("broker").cause


def test_a_full_disk_fails_the_component_that_starts_and_no_other():
    stage = Stage(component("broker"), component("search"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.effects.disk_is_full = True
    stage.prepared("search")
    assert (stage.state("broker"), stage.state("search")) == ("ready", "failed")
    assert "No space left on device" in stage.status("search").cause


def test_a_component_that_was_up_is_started_again_once_the_disk_has_space():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.exited("broker", 1)
    stage.effects.disk_is_full = True
    stage.pass_time(60)
    stage.prepared("broker")
    assert stage.state("broker") == "backoff"
    assert "No space left on device" in stage.status("broker").cause
    stage.effects.disk_is_full = False
    stage.pass_time(60)
    stage.bring_up("broker")
    assert stage.state("broker") == "ready"


@pytest.mark.parametrize("is_starting", [False, True])
def test_a_restart_of_what_is_tried_again_does_not_end_the_attempts(is_starting):
    """As the watcher's restart of a broker on a full disk, which was failed for good after that."""
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.exited("broker", 1)
    if is_starting:
        stage.pass_time(60)
        stage.prepared("broker")
    stage.supervisor.restart("broker")
    if is_starting:
        stage.exited("broker", -15)
    stage.prepared("broker")
    stage.exited("broker", 1)
    assert stage.state("broker") == "backoff"
    stage.pass_time(60)
    stage.bring_up("broker")
    assert stage.state("broker") == "ready"


def test_a_preparation_that_fails_at_a_restart_is_tried_again():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.exited("broker", 1)
    stage.pass_time(60)
    stage.prepared("broker", "No space left on device")
    assert stage.state("broker") == "backoff"


def test_death_before_it_was_ever_ready_is_final():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.prepared("broker")
    stage.exited("broker", 1, "Exception: bad config")
    assert stage.state("broker") == "failed"
    assert stage.status("broker").cause == "ended with exit code 1: Exception: bad config"


def test_death_later_is_followed_by_a_restart_after_the_back_off():
    stage = Stage(component("broker", backoff=Backoff(first_s=2)))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.exited("broker", -9)
    assert stage.state("broker") == "backoff"
    assert stage.status("broker").cause == "ended with signal SIGKILL"
    stage.pass_time(1.9)
    assert stage.did("prepare") == ["broker"]
    stage.pass_time(0.2)
    assert stage.did("prepare") == ["broker", "broker"]
    stage.bring_up("broker")
    assert (stage.state("broker"), stage.status("broker").restarts) == ("ready", 1)


def deaths_to_delays(stage: Stage, count: int) -> list[float]:
    delays = []
    for _ in range(count):
        stage.bring_up("service")
        stage.exited("service", 1)
        due = stage.supervisor.next_due
        assert due is not None
        delays.append(due - stage.now)
        stage.pass_time(due - stage.now)
    return delays


def test_the_back_off_doubles_up_to_its_cap():
    stage = Stage(component("service", backoff=Backoff(first_s=1, max_s=5)))
    stage.supervisor.start_platform()
    assert deaths_to_delays(stage, 5) == [1, 2, 4, 5, 5]


def test_running_steadily_resets_the_back_off():
    stage = Stage(component("service", backoff=Backoff(first_s=1, max_s=50, steady_s=60)))
    stage.supervisor.start_platform()
    deaths_to_delays(stage, 3)
    stage.bring_up("service")
    stage.pass_time(61)
    stage.exited("service", 1)
    assert stage.supervisor.next_due == stage.now + 1


def test_what_depends_on_a_dead_component_is_left_running():
    stage = Stage(component("broker"), component("connect", "broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker", "connect")
    stage.exited("broker", -9)
    assert stage.state("connect") == "ready"
    assert stage.signals("connect") == []


def test_a_service_with_a_wrong_configuration_is_not_restarted():
    stage = Stage(component("ratings_bot", probe=None))
    stage.supervisor.start_platform()
    stage.bring_up("ratings_bot")
    stage.exited("ratings_bot", 78, "Slack refuses the token: invalid_auth")
    assert stage.state("ratings_bot") == "failed"
    assert stage.status("ratings_bot").cause == "Slack refuses the token: invalid_auth"
    stage.pass_time(1000)
    assert stage.did("prepare") == ["ratings_bot"]


@pytest.mark.parametrize(
    ("policy", "code", "state"),
    [
        (Restart.ON_FAILURE, 0, "stopped"),
        (Restart.ON_FAILURE, 1, "backoff"),
        (Restart.ALWAYS, 0, "backoff"),
        (Restart.NEVER, 0, "stopped"),
        (Restart.NEVER, 1, "failed"),
    ],
)
def test_restart_policies(policy, code, state):
    stage = Stage(component("generator", probe=None, restart=policy))
    stage.supervisor.start_platform()
    stage.bring_up("generator")
    stage.exited("generator", code)
    assert stage.state("generator") == state


def test_services_start_on_request_only():
    stage = Stage(component("broker"), component("ratings_bot", "broker", probe=None, with_platform=False))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    assert stage.state("ratings_bot") == "stopped"
    stage.supervisor.start("ratings_bot")
    stage.prepared("ratings_bot")
    assert stage.state("ratings_bot") == "running"


def test_starting_what_runs_changes_nothing():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    before = stage.status("broker")
    stage.supervisor.start("broker")
    assert stage.status("broker") == before


def test_a_failed_component_is_started_again_on_request():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.prepared("broker", "no space left")
    stage.supervisor.start("broker")
    assert (stage.state("broker"), stage.status("broker").cause) == ("starting", "")
    stage.bring_up("broker")
    assert stage.state("broker") == "ready"


def test_a_stopped_component_stays_stopped():
    stage = Stage(component("service", probe=None))
    stage.supervisor.start_platform()
    stage.bring_up("service")
    stage.supervisor.stop("service")
    assert stage.state("service") == "stopping"
    stage.exited("service", -15)
    stage.pass_time(100)
    assert stage.state("service") == "stopped"


def test_one_that_ignores_the_signal_is_killed_after_its_grace():
    stage = Stage(component("service", grace_s=5))
    stage.supervisor.start_platform()
    stage.bring_up("service")
    stage.supervisor.stop("service")
    stage.pass_time(4)
    assert stage.signals("service") == [signal.SIGTERM]
    stage.pass_time(1)
    assert stage.signals("service") == [signal.SIGTERM, signal.SIGKILL]


def test_restart_stops_and_starts():
    stage = Stage(component("connect"))
    stage.supervisor.start_platform()
    stage.bring_up("connect")
    stage.supervisor.restart("connect")
    assert stage.signals("connect") == [signal.SIGTERM]
    stage.exited("connect", -15)
    stage.bring_up("connect")
    assert stage.state("connect") == "ready"
    assert stage.status("connect").restarts == 0


def test_start_while_stopping_starts_it_again():
    stage = Stage(component("connect"))
    stage.supervisor.start_platform()
    stage.bring_up("connect")
    stage.supervisor.stop("connect")
    stage.supervisor.start("connect")
    stage.exited("connect", -15)
    assert stage.state("connect") == "starting"


def test_what_an_earlier_attempt_answers_is_dropped():
    stage = Stage(component("connect", backoff=Backoff(first_s=1)))
    stage.supervisor.start_platform()
    stage.bring_up("connect")
    old = stage.effects.attempts["connect"]
    stage.exited("connect", 1)
    stage.pass_time(2)
    stage.prepared("connect")
    stage.effects.attempts["connect"] = old
    stage.probed("connect")
    assert stage.state("connect") == "starting"


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError):
        Stage(component("broker")).supervisor.start("brokr")


def test_shutdown_stops_dependents_first():
    stage = Stage(component("broker"), component("registry"), component("connect", "broker", "registry"))
    stage.supervisor.start_platform()
    stage.bring_up("broker", "registry", "connect")
    stage.supervisor.shutdown()
    assert stage.signals("connect") == [signal.SIGTERM]
    assert stage.signals("broker") == stage.signals("registry") == []
    stage.exited("connect", -15)
    assert stage.signals("broker") == stage.signals("registry") == [signal.SIGTERM]
    stage.exited("broker", 0)
    assert not stage.supervisor.done
    stage.exited("registry", 143)
    assert stage.supervisor.done


def test_shutdown_during_the_start_waits_for_preparations_and_starts_nothing_more():
    stage = Stage(component("mariadb"), component("connect", "mariadb"))
    stage.supervisor.start_platform()
    stage.supervisor.shutdown()
    assert not stage.supervisor.done
    stage.prepared("mariadb")
    assert stage.supervisor.done
    assert stage.did("spawn") == []


def test_shutdown_ends_restarts():
    stage = Stage(component("broker"))
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    stage.exited("broker", 1)
    stage.supervisor.shutdown()
    assert stage.supervisor.done


def test_starting_order_puts_dependencies_first():
    ordered = starting_order((component("c", "b"), component("b", "a"), component("a"), component("d", "elsewhere")))
    assert [one.name for one in ordered] == ["a", "b", "c", "d"]


def test_the_first_start_may_wait_for_less_than_a_later_one():
    stage = Stage(
        component("connect", "broker", "search", first_start_needs=("broker",)),
        component("broker"),
        component("search"),
    )
    stage.supervisor.start_platform()
    stage.bring_up("broker")
    assert stage.did("prepare") == ["broker", "search", "connect"]
    stage.bring_up("connect")
    stage.supervisor.stop("connect")
    stage.exited("connect", 0)

    stage.supervisor.start("connect")

    assert stage.did("prepare") == ["broker", "search", "connect"]
    stage.bring_up("search")
    assert stage.did("prepare") == ["broker", "search", "connect", "connect"]
