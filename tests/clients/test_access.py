"""Credentials and certificates of every API, against small servers that check them."""

import base64
import json
import socket
import threading
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from bifrost.clients import connect, kibana, ksqldb, s3, schema_registry, search
from bifrost.clients.access import PREFIXES, TLS_PREFIXES, tls_of
from bifrost.clients.http import HttpClient, connection_to
from bifrost.clients.kafka import admin
from bifrost.clients.ksqldb_query import query_client
from bifrost.errors import Refused, SettingError, Unreachable
from bifrost.settings import Settings
from services.delivery import slack
from services.delivery.channel import TemporaryFailure
from services.delivery.telegram import telegram_api
from tests.fakes.certificates import Authority
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, running

BUCKETS = "<ListAllMyBucketsResult><Buckets><Bucket><Name>lake</Name></Bucket></Buckets></ListAllMyBucketsResult>"


def post_to_slack(channel):
    outcome = channel.send(slack.SlackMessage("room", "hi", "me", ":x:"))
    if isinstance(outcome, TemporaryFailure):
        raise ConnectionError(outcome.reason)


CALLS = {
    "CONNECT": ("CONNECT_URL", connect.from_settings, lambda client: client.names(patience_s=0)),
    "SCHEMA_REGISTRY": ("SCHEMA_REGISTRY_URL", schema_registry.from_settings, lambda client: client.subjects()),
    "KSQLDB": ("KSQLDB_URL", ksqldb.from_settings, lambda client: client.info()),
    "ELASTICSEARCH": ("ELASTICSEARCH_URL", search.from_settings, lambda client: client.templates()),
    "KIBANA": ("KIBANA_URL", kibana.from_settings, lambda client: client.attributes("dashboard", "x")),
    "S3": ("S3_ENDPOINT", s3.from_settings, lambda client: client.buckets()),
    "TELEGRAM": ("TELEGRAM_API_URL", telegram_api, lambda client: client.username()),
    "SLACK": ("SLACK_API_URL", slack.slack_channel, post_to_slack),
}
ACCOUNTS = {"TELEGRAM_BOT_TOKEN": "1:a", "SLACK_API_TOKEN": "xoxb-1"}


def respond(request):
    if "/bot1:a/" in request.path:
        return Answer(body={"ok": True, "result": {"username": "bot"}})
    if request.path.endswith("chat.postMessage"):
        return Answer(body={"ok": True})
    if request.headers.get("Authorization", "").startswith("AWS4"):
        return Answer(text=BUCKETS, content_type="application/xml")
    if request.path.startswith("/connectors") or request.path.startswith("/subjects"):
        return Answer(body=[])
    if request.path.startswith("/_index_template"):
        return Answer(body={"index_templates": []})
    if request.path.startswith("/info"):
        info = {"version": "1", "kafkaClusterId": "a", "ksqlServiceId": "b", "serverStatus": "RUNNING"}
        return Answer(body={"KsqlServerInfo": info})
    return Answer(body={"attributes": {}})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve(authority):
    """Starts a server with a certificate of the authority; `wants_client`: it wants one of the client."""
    with ExitStack() as stack:

        def start(*, wants_client=False, tls=True, answer=respond, **certificate):
            context = authority.server(authority.sign("server", **certificate), wants_client=wants_client)
            return stack.enter_context(running(FakeServer(answer), context if tls else None))

        yield start


def settings(prefix, url, **changed):
    return Settings({**ACCOUNTS, "BIFROST_TARGET": "compose", CALLS[prefix][0]: url, **changed})


def call(prefix, values):
    _, client_of, send = CALLS[prefix]
    client = client_of(values)
    with closing(client._client if prefix == "S3" else client):
        send(client)


def problem(prefix, values) -> str:
    with pytest.raises(Exception) as caught:
        call(prefix, values)
    return str(caught.value)


@pytest.mark.parametrize("prefix", TLS_PREFIXES)
def test_an_api_with_a_private_certificate_is_reached(prefix, serve, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    server = serve()

    call(prefix, settings(prefix, server.url, **{f"{prefix}_CA_LOCATION": str(authority.ca)}))

    assert server.requests


@pytest.mark.parametrize("prefix", TLS_PREFIXES)
def test_an_api_that_wants_a_certificate_of_the_client_gets_it(prefix, serve, authority):
    server, client = serve(wants_client=True), authority.sign("client")
    ca = {f"{prefix}_CA_LOCATION": str(authority.ca)}
    own = {f"{prefix}_CERTIFICATE_LOCATION": str(client.certificate), f"{prefix}_KEY_LOCATION": str(client.key)}

    call(prefix, settings(prefix, server.url, **ca, **own))

    assert server.requests


@pytest.mark.parametrize("prefix", [*PREFIXES, "S3"])
def test_a_certificate_of_an_unknown_ca_is_refused_with_the_setting_that_helps(prefix, serve, tmp_path):
    server, other = serve(), Authority(tmp_path, "other")

    for values in ({}, {f"{prefix}_CA_LOCATION": str(other.ca)}):
        text = problem(prefix, settings(prefix, server.url, **values))
        assert "its certificate is not trusted (unable to get local issuer certificate)" in text
        assert f"{prefix}_CA_LOCATION names the file with the CA that signed it" in text
    assert server.requests == []


@pytest.mark.parametrize("prefix", ["TELEGRAM", "SLACK"])
def test_a_channel_with_a_certificate_of_an_unknown_ca_gets_no_message(prefix, serve):
    server = serve()

    assert "certificate" in problem(prefix, settings(prefix, server.url))
    assert server.requests == []


def test_a_failed_check_of_a_certificate_is_not_repeated(serve):
    clock = FakeClock()
    connection = replace(connection_to(Settings({}), "Thing", serve().url, "CONNECT"), clock=clock)

    with closing(HttpClient(connection)) as client, pytest.raises(Refused, match="its certificate is not trusted"):
        client.get("/")
    assert clock.slept == []


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [({"address": "127.0.0.2"}, "IP address mismatch"), ({"days": -1}, "certificate has expired")],
)
def test_an_expired_certificate_and_one_of_another_host_are_named(serve, authority, certificate, reason):
    server = serve(**certificate)

    assert reason in problem("KSQLDB", settings("KSQLDB", server.url, KSQLDB_CA_LOCATION=str(authority.ca)))


def test_https_to_a_server_without_tls_says_so(serve):
    url = serve(tls=False).url.replace("http", "https")

    assert "the server does not speak TLS; its URL begins with http" in problem("CONNECT", settings("CONNECT", url))


def test_http_to_a_server_with_tls_says_so(serve):
    url = serve().url.replace("https", "http")

    with pytest.raises(Unreachable, match="if it expects TLS, its URL begins with https"):
        call("CONNECT", settings("CONNECT", url))


def test_a_server_that_wants_a_certificate_of_the_client_says_so(serve, authority):
    server = serve(wants_client=True)

    text = problem("CONNECT", settings("CONNECT", server.url, CONNECT_CA_LOCATION=str(authority.ca)))

    assert "CONNECT_CERTIFICATE_LOCATION" in text or "no answer" in text


@pytest.mark.parametrize("prefix", PREFIXES)
def test_user_and_password_or_a_token_are_sent(prefix, serve):
    server = serve(tls=False)
    account = {f"{prefix}_USER": "mé", f"{prefix}_PASSWORD": "hunter22"}

    call(prefix, settings(prefix, server.url, **account))
    call(prefix, settings(prefix, server.url, **account, **{f"{prefix}_TOKEN": "t0ken"}))

    basic, bearer = (request.headers["Authorization"] for request in server.requests)
    assert base64.b64decode(basic.removeprefix("Basic ")).decode() == "mé:hunter22"
    assert bearer == "Bearer t0ken"


@pytest.mark.parametrize("prefix", ["ELASTICSEARCH", "KIBANA"])
def test_an_api_key_of_elasticsearch_is_sent(prefix, serve):
    server = serve(tls=False)

    call(prefix, settings(prefix, server.url, **{f"{prefix}_API_KEY": "a2V5", f"{prefix}_USER": "me"}))

    assert server.requests[0].headers["Authorization"] == "ApiKey a2V5"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_wrong_password_names_the_settings_and_hides_the_password(prefix, serve):
    server = serve(tls=False, answer=lambda request: Answer(401, text=f"bad {request.headers.get('Authorization')}"))
    account = {f"{prefix}_USER": "me", f"{prefix}_PASSWORD": "hunter22"}

    text = problem(prefix, settings(prefix, server.url, **account))

    assert f"check {prefix}_USER and {prefix}_PASSWORD" in text
    assert "hunter22" not in text
    assert base64.b64encode(b"me:hunter22").decode() not in text
    assert f"no credentials are set: {prefix}_USER" in problem(prefix, settings(prefix, server.url))
    assert f"check {prefix}_TOKEN" in problem(prefix, settings(prefix, server.url, **{f"{prefix}_TOKEN": "t0ken99"}))


def test_a_push_query_uses_the_same_credentials_and_certificates(serve, authority):
    rows = [{"row": {"columns": [1]}}]
    server = serve(answer=lambda request: Answer(chunks=(json.dumps(rows).encode(),)))
    values = settings("KSQLDB", server.url, KSQLDB_CA_LOCATION=str(authority.ca), KSQLDB_TOKEN="t0ken")

    with closing(query_client(values)) as client:
        assert list(client.push("SELECT 1;", idle_s=5)) == [[1]]
    assert server.requests[0].headers["Authorization"] == "Bearer t0ken"
    untrusting = closing(query_client(settings("KSQLDB", server.url)))
    with untrusting as client, pytest.raises(Refused, match="its certificate is not trusted"):
        list(client.push("SELECT 1;", idle_s=5))


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"CA": "missing"}, "CONNECT_CA_LOCATION: no such file"),
        ({"CA": "text"}, "CONNECT_CA_LOCATION: .* does not contain certificates in PEM form"),
        ({"KEY": "text"}, "CONNECT_KEY_LOCATION: needs CONNECT_CERTIFICATE_LOCATION"),
        ({"CERTIFICATE": "text"}, "CONNECT_CERTIFICATE_LOCATION: .* do not fit"),
    ],
)
def test_files_that_cannot_work_are_named(tmp_path, files, text):
    (tmp_path / "text").write_text("no certificate")
    values = {f"CONNECT_{part}_LOCATION": str(tmp_path / name) for part, name in files.items()}

    with pytest.raises(SettingError, match=text):
        tls_of(Settings(values), "CONNECT")


def test_a_key_of_another_certificate_is_named(authority):
    one, other = authority.sign("one"), authority.sign("other")
    files = {"CONNECT_CERTIFICATE_LOCATION": str(one.certificate), "CONNECT_KEY_LOCATION": str(other.key)}

    with pytest.raises(SettingError, match="do not fit"):
        tls_of(Settings(files), "CONNECT")


def test_kafka_takes_a_certificate_of_the_client(authority):
    client = authority.sign("kafka")
    values = Settings(
        {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_LOCATION": str(authority.ca),
            "KAFKA_SSL_CERTIFICATE_LOCATION": str(client.certificate),
            "KAFKA_SSL_KEY_LOCATION": str(client.key),
        }
    )
    admin(values)
    with pytest.raises(SettingError, match=r"Kafka rejects these client settings"):
        admin(values.with_values(KAFKA_SSL_CERTIFICATE_LOCATION="/missing"))


@contextmanager
def broker(context):
    """A server that only completes TLS handshakes, which is all that a client with another CA gets to see."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Closing alone does not wake the thread.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_brokers_with_a_certificate_of_an_unknown_ca_are_named_with_the_setting(authority, tmp_path):
    with broker(authority.server(authority.sign("broker"))) as address:
        values = Settings(
            {
                "KAFKA_BOOTSTRAP_SERVERS": address,
                "KAFKA_SECURITY_PROTOCOL": "SSL",
                "KAFKA_SSL_CA_LOCATION": str(Authority(tmp_path, "other").ca),
            }
        )
        with pytest.raises(Refused, match=rf"the certificate of {address} is not trusted; KAFKA_SSL_CA_LOCATION"):
            admin(values, timeout_s=1).topics()


def test_the_s3_store_of_a_secured_platform_has_a_certificate_of_its_authority(serve, authority, tmp_path):
    server = serve()
    values = {**ACCOUNTS, "BIFROST_TARGET": "embedded", "BIFROST_SECURE": "1", "BIFROST_HOME": str(tmp_path)}
    found = Settings({**values, "BIFROST_PORT_S3": str(urlsplit(server.url).port)})
    found.authority.parent.mkdir(parents=True)
    found.authority.write_bytes(authority.ca.read_bytes())

    call("S3", found)
    assert server.requests
    elsewhere = found.with_values(S3_ENDPOINT=server.url.replace("127.0.0.1", "localhost"))
    assert "S3_CA_LOCATION names the file" in problem("S3", elsewhere)
