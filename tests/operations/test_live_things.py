"""A typed name finds what runs."""

import pytest

from bifrost.errors import OperationRefused, RemoteError
from bifrost.operations.live_things import find_live
from tests.fakes.http_server import Fault

SERVICES = ("ratings_bot",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mysql-demo-customers", ["connector mysql-demo-customers"]),
        ("MYSQL-*", ["connector mysql-demo-customers"]),
        ("alerts", ["query CSAS_ALERTS_2"]),
        ("statement:ALERTS", ["query CSAS_ALERTS_2"]),
        ("query:csas_*", ["query CSAS_ALERTS_2", "query CSAS_CUSTOMERS_SRC_REKEY_1"]),
        ("ratings_bot", ["service ratings_bot"]),
        ("component:*", ["component broker"]),
        ("b*", []),
    ],
)
def test_names_kinds_and_patterns(deployed, text, found):
    if not found:
        with pytest.raises(OperationRefused):
            find_live(deployed.platform, SERVICES, text)
        return
    assert [str(thing) for thing in find_live(deployed.platform, SERVICES, text)] == found


def test_an_unknown_name_suggests_similar_ones(deployed):
    with pytest.raises(OperationRefused, match="did you mean mysql-demo-customers"):
        find_live(deployed.platform, SERVICES, "mysql-demo-customer")


def test_a_name_of_two_kinds_has_to_be_qualified(deployed):
    deployed.connect.configs["alerts"] = {"connector.class": "X"}
    deployed.connect.states["alerts"] = "RUNNING"

    with pytest.raises(OperationRefused, match="write connector:alerts or query:CSAS_ALERTS_2"):
        find_live(deployed.platform, SERVICES, "alerts")
    assert [str(thing) for thing in find_live(deployed.platform, SERVICES, "connector:alerts")] == ["connector alerts"]


def test_a_process_is_found_while_connect_is_down(deployed):
    deployed.servers["connect"].faults.append(Fault("GET", "/connectors", status=500, body={}, times=9))

    assert [str(thing) for thing in find_live(deployed.platform, SERVICES, "broker")] == ["component broker"]
    with pytest.raises(RemoteError, match="Kafka Connect"):
        find_live(deployed.platform, SERVICES, "mysql-demo-customers")


def test_a_failed_task_makes_its_connector_failed(deployed):
    deployed.connect.traces["mysql-demo-customers"] = "A: a\nCaused by: B: disk is full"

    (thing,) = find_live(deployed.platform, SERVICES, "mysql-demo-customers")

    assert (thing.state, thing.cause) == ("FAILED", "B: disk is full")


@pytest.mark.parametrize("name", ["es*", "es?", "es[1]", "[a-z]", "ES_SINK", "es sink/1"])
def test_a_full_name_means_only_the_thing_that_has_it(deployed, name):
    for other in (name, "es_sink", "es1", "e"):
        deployed.connect.configs[other] = {"connector.class": "X"}
        deployed.connect.states[other] = "RUNNING"
    found = find_live(deployed.platform, SERVICES, f"connector:{name}")
    assert [thing.name for thing in found] == [name]
