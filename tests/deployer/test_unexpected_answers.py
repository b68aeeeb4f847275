"""Another program on the port of a wrong URL, or a proxy, answers with 200 too: an error that names the system."""

import pytest

from bifrost.errors import BifrostError
from tests.fakes.http_server import Fault

ANSWERS = (
    [],
    {},
    None,
    "x",
    3,
    [{}],
    [None],
    {"a": None},
    {"KsqlServerInfo": None},
    {"mysql-demo-customers": None},
    {"mysql-demo-customers": {"status": {}}},
    {"mysql-demo-customers": {"info": {}}},
    [{"sourceDescriptions": [{}]}],
    [{"queries": [{}]}],
)
REQUESTS = (
    ("connect", "GET", "/connectors"),
    ("connect", "GET", "/connector-plugins"),
    ("ksqldb", "POST", "/ksql"),
    ("ksqldb", "GET", "/info"),
    ("registry", "GET", "/subjects"),
)


@pytest.mark.parametrize(("part", "method", "path"), REQUESTS, ids=[path for _, _, path in REQUESTS])
@pytest.mark.parametrize("body", ANSWERS, ids=repr)
def test_an_answer_of_another_shape_is_no_crash(project, fakes, part, method, path, body):
    fakes.servers[part].faults.append(Fault(method, path, 200, body, times=99))
    try:
        fakes.plan(project.declared())
    except BifrostError as error:
        assert "unexpected answer" in str(error) or "no answer" in str(error) or "404" in str(error)
