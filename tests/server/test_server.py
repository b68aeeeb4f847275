"""The server's information, authentication, odd requests."""

import asyncio
import base64
import json

import httpx
import pytest

from bifrost.errors import SettingError
from bifrost.server.__main__ import credentials, server_properties, setting_of
from bifrost.server.app import create_app
from bifrost.server.auth import Credentials
from bifrost.settings import Settings
from tests.server.conftest import IDENTITY
from tests.server.serving import served


def test_info(api):
    assert api.http.get("/info").json() == {
        "KsqlServerInfo": {
            "version": "7.6.0",
            "kafkaClusterId": "cluster-1",
            "ksqlServiceId": "test_",
            "serverStatus": "RUNNING",
        }
    }


def test_the_root_leads_to_info(api):
    answer = api.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/info")


def test_health(api):
    assert api.http.get("/healthcheck").json()["isHealthy"] is True
    assert api.http.get("/chc/live").json() == {}
    assert api.http.get("/chc/ready").json() == {}


def test_metadata(api):
    scope = {"path": [], "clusters": {"kafka-cluster": "cluster-1", "ksql-cluster": "test_"}}
    assert api.http.get("/v1/metadata/id").json() == {"scope": scope, "id": ""}
    assert api.http.get("/v1/metadata").json() == {"version": "7.6.0", "clusterId": {"scope": scope, "id": ""}}


def test_properties_may_be_asked_for(api):
    assert api.http.get("/is_valid_property/ksql.streams.num.stream.threads").json() is True
    answer = api.http.get("/is_valid_property/ksql.service.id")
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40000)


def test_paths_and_methods_that_are_not_there(api):
    answer = api.http.get("/nope")
    assert (answer.status_code, answer.text) == (404, "<html><body><h1>Resource not found</h1></body></html>")
    answer = api.http.get("/ksql")
    assert (answer.status_code, answer.headers["allow"], answer.text) == (405, "POST", "")
    assert api.http.get("/status/stream/NOPE/create").json()["message"] == "Command not found"


def test_cluster_status_tells_of_state(orders):
    status = orders.http.get("/clusterStatus").json()["clusterStatus"][IDENTITY.host]
    assert status["hostAlive"] is True
    assert status["activeStandbyPerQuery"]["CTAS_STATS_1"]["activePartitions"] == [{"topic": "orders", "partition": 0}]
    (lag,) = status["hostStoreLags"]["stateStoreLags"].values()
    assert lag["lagByPartition"]["0"]["offsetLag"] == 0


def test_auth(world):
    app = create_app(world.engine(), IDENTITY, Credentials("bob", "s3cret"))
    with served(app) as url, httpx.Client(base_url=url, verify=False) as client:
        refused = client.post("/ksql", json={"ksql": "SHOW STREAMS;"})
        assert (refused.status_code, refused.json()["error_code"]) == (401, 40100)
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert client.post("/ksql", json={"ksql": "SHOW STREAMS;"}, auth=("bob", "wrong")).status_code == 401
        assert client.post("/ksql", json={"ksql": "SHOW STREAMS;"}, auth=("bob", "s3cret")).status_code == 200
        assert client.get("/healthcheck").status_code == 200


def test_statements_of_foreign_web_pages_are_refused(api):
    drop = json.dumps({"ksql": "SHOW STREAMS;"})
    page = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    for path in ("/ksql", "/query", "/query-stream", "/inserts-stream"):
        refused = api.http.post(path, content=drop, headers=page)
        assert (refused.status_code, refused.json()["error_code"]) == (403, 40300)
    assert "https://evil.example" in refused.json()["message"]
    assert api.http.get("/info", headers={"Host": "rebound.example:8088"}).status_code == 403
    assert api.http.post("/ksql", content=drop, headers={"Content-Type": "text/plain"}).status_code == 200


def test_foreign_web_pages_are_refused_before_their_credentials_are_looked_at(world):
    app = create_app(world.engine(), IDENTITY, Credentials("bob", "s3cret"), allowed_hosts={"ksql.example"})
    with served(app) as url, httpx.Client(base_url=url, verify=False, auth=("bob", "s3cret")) as client:
        assert client.get("/info", headers={"Origin": "null"}).status_code == 403
        assert client.get("/info", headers={"Host": "ksql.example"}).status_code == 200


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!", "Bearer x", "Basic " + base64.b64encode(b"bob").decode()])
def test_headers_that_are_no_credentials(header):
    assert not Credentials("bob", "s3cret").match(header)


def test_settings_of_the_server(tmp_path):
    settings = Settings({"KSQL_KSQL_STREAMS_AUTO_OFFSET_RESET": "earliest", "OTHER": "x"}, tmp_path)
    assert server_properties(settings) == {"ksql.streams.auto.offset.reset": "earliest"}
    assert credentials(settings) is None
    assert credentials(settings.with_values(KSQLDB_USER="u", KSQLDB_PASSWORD="p")) == Credentials("u", "p")
    with pytest.raises(SettingError, match="KSQLDB_PASSWORD"):
        credentials(settings.with_values(KSQLDB_USER="u"))


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("KSQL_KSQL_FUNCTIONS_COLLECT___SET_LIMIT", "ksql.functions.collect_set.limit"),
        ("KSQL_KSQL_FUNCTIONS_MY__OWN_X___Y", "ksql.functions.my-own.x_y"),
        ("KSQL_KSQL_OUTPUT_TOPIC_NAME_PREFIX", "ksql.output.topic.name.prefix"),
    ],
)
def test_names_with_dashes_and_underscores_have_settings_as_in_the_docker_image(setting, name, tmp_path):
    assert server_properties(Settings({setting: "7"}, tmp_path)) == {name: "7"}
    assert setting_of(name) == setting


def socket_messages(app, request):
    """What a WebSocket client gets."""

    async def run():
        sent, incoming = [], asyncio.Queue()
        incoming.put_nowait({"type": "websocket.connect"})

        async def send(message):
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/ws/query",
            "raw_path": b"/ws/query",
            "root_path": "",
            "scheme": "ws",
            "query_string": str(httpx.QueryParams({"request": json.dumps(request)})).encode(),
            "headers": [],
            "subprotocols": [],
        }
        await asyncio.wait_for(app(scope, incoming.get, send), 10)
        return [message.get("text") or message["type"] for message in sent]

    return asyncio.run(run())


def test_a_websocket_gets_columns_and_rows(orders):
    app = create_app(orders.engine, IDENTITY)
    query = {"ksql": "SELECT ID FROM ORDERS EMIT CHANGES LIMIT 2;"}
    query["streamsProperties"] = {"auto.offset.reset": "earliest"}
    assert socket_messages(app, query) == [
        "websocket.accept",
        '[{"name":"ID","schema":{"type":"STRING","fields":null,"memberSchema":null}}]',
        '{"row":{"columns":["o1"]}}',
        '{"row":{"columns":["o2"]}}',
        "websocket.close",
    ]


def test_a_websocket_is_told_what_is_wrong(orders):
    app = create_app(orders.engine, IDENTITY)
    _, error, closed = socket_messages(app, {"ksql": "SELECT * FROM NOPE EMIT CHANGES;"})
    assert json.loads(error)["error_code"] == 40001
    assert closed == "websocket.close"


@pytest.mark.parametrize("half", ['"\\ud800"', '"\\udfff x"', b'"\xed\xa0\x80"'])
@pytest.mark.parametrize(("path", "name"), [("/ksql", "ksql"), ("/query", "ksql"), ("/query-stream", "sql")])
def test_half_a_surrogate_pair_in_a_statement_is_an_error_of_the_client(api, path, name, half):
    text = half if isinstance(half, bytes) else half.encode()
    answer = api.http.post(path, content=b'{"' + name.encode() + b'": ' + text + b"}")
    assert answer.status_code == 400
    assert "\ufffd" in answer.text
