"""Changes of declarations on a running platform: what the plan says, what happens, and that no alert is sent twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from bifrost.clients import ksqldb
from tests.live.conftest import Platform
from tests.live.deployed_copy import DeployedCopy
from tests.live.test_ratings import PLATINUM, WebApp, texts_about
from tests.live.waiting import eventually

ATTACKS = "SYSLOG_LOGIN_ATTACKS"
WINDOW = "WINDOW TUMBLING (SIZE 5 MINUTES)\n  WHERE OUTCOME <> 'accepted'"


@pytest.fixture
def copy(platform: Platform, tmp_path: Path) -> Iterator[DeployedCopy]:
    yield DeployedCopy(platform, tmp_path)
    # The other tests expect what the project declares.
    platform.run("up", "--no-demo", "--prune", "--allow", "replace", "--allow", "delete")


@pytest.fixture
def app(platform: Platform) -> Iterator[WebApp]:
    with closing(WebApp(platform.endpoints)) as found:
        yield found


def execute(platform: Platform, statement: str) -> None:
    url = f"{platform.endpoints['ksqldb']}/ksql"
    requests.post(url, json={"ksql": statement}, timeout=60).raise_for_status()


def queries(platform: Platform) -> dict[str, str]:
    """The statements of all queries by id."""
    with closing(ksqldb.from_settings(platform.settings)) as client:
        return {query.id: query.statement for query in client.queries()}


def summary(changes: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(change["action"], change["name"], change["reason"]) for change in changes]


def fail_to_log_in(platform: Platform, host: str, times: int = 3) -> None:
    columns = "HOST, HOST_NAME, MESSAGE, OUTCOME, LOGIN_USER, ADDRESS"
    for _ in range(times):
        values = f"'{host}', '{host}', 'sshd: Failed', 'failed', 'root', '198.51.100.7'"
        execute(platform, f"INSERT INTO SYSLOG_LOGINS ({columns}) VALUES ({values});")


def test_a_filter_is_changed_in_place_and_continues(platform: Platform, copy: DeployedCopy, app: WebApp) -> None:
    before, sent, after = (uuid.uuid4().hex for _ in range(3))
    running = queries(platform)
    app.rate(PLATINUM, 3, before)
    app.rate(PLATINUM, 1, sent)
    eventually(lambda: bool(texts_about(platform, sent)), "the alert behind the rating that is no alert yet")

    copy.text("ksql/ratings.sql", "WHERE STARS < 3 AND", "WHERE STARS < 4 AND")
    reason = "in place: filter changed; continues from its committed offsets"
    assert summary(copy.changes()) == [("update", "UNHAPPY_PLATINUM_CUSTOMERS", reason)]
    copy.up()

    app.rate(PLATINUM, 3, after)
    eventually(lambda: bool(texts_about(platform, after)), "the alert of the new filter")
    assert [len(texts_about(platform, marker)) for marker in (before, sent, after)] == [0, 1, 1]
    assert queries(platform).keys() == running.keys()
    assert copy.changes() == []


def test_a_changed_window_is_replaced_only_if_allowed_and_no_alert_is_sent_twice(
    platform: Platform, copy: DeployedCopy
) -> None:
    old, new = f"host-{uuid.uuid4().hex}", f"host-{uuid.uuid4().hex}"
    fail_to_log_in(platform, old)
    eventually(lambda: bool(texts_about(platform, old)), "the alert")
    running = queries(platform)

    copy.text("ksql/syslog.sql", WINDOW, WINDOW.replace("MINUTES)", "MINUTES, GRACE PERIOD 2 HOURS)"))
    (change,) = copy.changes()
    assert (change["action"], change["name"]) == ("replace", ATTACKS)
    assert change["reason"] == "WINDOW differs; ksqlDB does not change a query with a window in place"
    losses = "\n".join(loss["what"] for loss in change["losses"])
    assert "its state is rebuilt from all records of SYSLOG_LOGINS" in losses
    assert "sends nothing for the records that are computed again" in losses
    assert f"--allow replace:{ATTACKS}" in copy.up(code=1).stderr
    assert queries(platform) == running

    copy.up("--allow", f"replace:{ATTACKS}")

    fail_to_log_in(platform, new)
    eventually(lambda: bool(texts_about(platform, new)), "the alert of the new query")
    assert [len(texts_about(platform, host)) for host in (old, new)] == [1, 1]
    untouched = {query_id for query_id in running if ATTACKS not in query_id}
    assert {query_id for query_id in queries(platform) if ATTACKS not in query_id} == untouched
    assert copy.changes() == []
