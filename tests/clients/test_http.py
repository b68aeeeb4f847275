import base64
import socket
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from bifrost.clients.access import BasicAuth
from bifrost.clients.http import Connection, HttpClient
from bifrost.errors import NotReady, Refused, Unreachable
from tests.fakes.clock import FakeClock
from tests.fakes.http_server import Answer, FakeServer, Fault, running


@pytest.fixture
def server():
    with running(FakeServer(lambda request: Answer(200, {"path": request.path}))) as fake:
        yield fake


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def client(server, clock):
    with closing(
        HttpClient(Connection("Thing", server.url, clock=clock, secrets={"MYSQL_PASSWORD": "hunter22"}))
    ) as found:
        yield found


def test_an_answer_is_decoded(client):
    assert client.get("/x") == {"path": "/x"}


@pytest.mark.parametrize(
    ("status", "body"),
    [(409, {}), (503, {}), (500, {"message": "Rebalance expected"}), (409, {"message": "a rebalance"})],
)
def test_a_busy_answer_is_asked_again(client, server, clock, status, body):
    server.faults.append(Fault("PUT", "/x", status, body, times=3))

    assert client.call("PUT", "/x", body={}) == {"path": "/x"}
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4])


def test_a_worker_that_is_starting_is_asked_again(client, server):
    answers = [Answer(404, text="<html>Not Found</html>", content_type="text/html")] * 2 + [Answer(200, [])]
    server.respond = lambda request: answers.pop(0)

    assert client.get("/connectors") == []


def test_patience_ends_with_the_last_answer(client, server, clock):
    server.faults.append(Fault("GET", "/x", 503, {"message": "starting"}, times=1000))

    with pytest.raises(NotReady, match="Thing: GET /x: 503 starting"):
        client.get("/x")
    assert clock.now <= 30


def test_other_errors_are_not_retried(client, server, clock):
    server.faults.append(Fault("GET", "/x", 400, {"message": "broken", "error_code": 400}))

    with pytest.raises(Refused, match="Thing: GET /x: 400 broken") as caught:
        client.get("/x")
    assert caught.value.status == 400
    assert clock.slept == []


@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.parametrize(("method", "repeatable"), [("GET", None), ("POST", True), ("PUT", True)])
def test_a_read_is_sent_again_after_a_server_fault(client, server, clock, status, method, repeatable):
    server.faults.append(Fault(method, "/x", status, {"message": "broken"}, times=3))

    assert client.call(method, "/x", repeatable=repeatable) == {"path": "/x"}
    assert clock.slept == pytest.approx([0.1, 0.2, 0.4])


def test_a_server_fault_that_stays_ends_a_read(client, server):
    server.faults.append(Fault("GET", "/x", 500, {"message": "broken"}, times=1000))

    with pytest.raises(Refused, match="Thing: GET /x: 500 broken"):
        client.get("/x")
    assert len(server.requests) == 4


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_is_not_sent_again_after_a_server_fault(client, server, method):
    server.faults.append(Fault(method, "/x", 500, {"message": "broken"}))

    with pytest.raises(Refused, match="500 broken"):
        client.call(method, "/x", body={})
    assert len(server.requests) == 1


@pytest.mark.parametrize("broken", [b"", b'{"pa', b"<html>"])
def test_a_read_is_sent_again_after_an_answer_that_broke_off(clock, broken):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    with (
        answering(head + broken, head + b'{"path": "/x"}') as url,
        closing(HttpClient(Connection("Thing", url, clock=clock))) as client,
    ):
        assert client.get("/x") == {"path": "/x"}


def test_a_lost_answer_is_asked_again_unless_it_may_have_been_a_write(client, server):
    server.faults.append(Fault("PUT", "/x", hang_up=True))
    assert client.call("PUT", "/x", body={}) == {"path": "/x"}

    server.faults.append(Fault("POST", "/x", hang_up=True))
    with pytest.raises(Unreachable):
        client.call("POST", "/x", body={})


def test_an_unreachable_server(clock):
    with (
        closing(HttpClient(Connection("Thing", "http://127.0.0.1:1", clock=clock))) as client,
        pytest.raises(Unreachable, match=r"no answer from http://127.0.0.1:1 \(connection refused\)"),
    ):
        client.call("POST", "/x", body={}, patience_s=1)
    assert len(clock.slept) > 1


def test_secrets_leave_error_texts(client, server):
    server.faults.append(Fault("GET", "/x", 400, {"message": "bad password hunter22 for me"}))

    with pytest.raises(Refused) as caught:
        client.get("/x")
    assert "hunter22" not in str(caught.value)
    assert "********" in str(caught.value)


def test_html_is_not_taken_for_an_answer(server, clock):
    server.respond = lambda request: Answer(200, text="<html>")

    with (
        closing(HttpClient(Connection("Thing", server.url, clock=clock))) as client,
        pytest.raises(Refused, match="not JSON"),
    ):
        client.get("/x")


def test_basic_authentication_is_sent_and_not_shown(server):
    auth = BasicAuth("me", "hunter22")
    with closing(HttpClient(Connection("Thing", server.url, auth))) as client:
        client.get("/x")

    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert "hunter22" not in repr(client.connection)


def test_texts_that_look_like_secrets_are_removed_and_the_databases_hint_stays(client):
    assert client.redacted("jdbc:x?password=abc&a=1 token: t0k") == "jdbc:x?password=********&a=1 token: ********"
    assert client.redacted("denied (using password: YES)") == "denied (using password: YES)"
    assert client.redacted("password=${env:P}") == "password=${env:P}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirected_write_is_refused_with_the_new_address(client, server, method, status):
    moved = Answer(status, headers={"Location": "https://u:hunter22@elsewhere.example/x"})
    server.respond = lambda request: moved

    with pytest.raises(Refused, match=r"redirects to https://u:\*+@elsewhere.example/x; configure that URL") as caught:
        client.call(method, "/x", body={})
    assert "hunter22" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_redirected_query_is_refused(client, server):
    server.respond = lambda request: Answer(302, headers={"Location": "/login"})

    with pytest.raises(Refused, match="redirects to /login"):
        client.stream("/query-stream", body={}, headers={}, idle_s=5)


@pytest.mark.parametrize("url", ["localhost:8088", "ftp://a", "http://", "http://[::1", "http://a:port", "//a", ""])
def test_a_malformed_url_is_named_and_not_retried(clock, url):
    with (
        closing(HttpClient(Connection("Thing", url, clock=clock))) as client,
        pytest.raises(Refused, match="is not an http or https URL"),
    ):
        client.get("/x")
    assert clock.slept == []


def test_an_answer_that_breaks_off_says_so(clock):
    with (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab") as url,
        closing(HttpClient(Connection("Thing", url, clock=clock, patience_s=0))) as client,
        pytest.raises(Unreachable, match="ended early"),
    ):
        client.get("/x")


@contextmanager
def answering(*answers: bytes):
    """A server that sends these bytes to its clients, the last ones to all further clients, and hangs up."""
    left = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Sets variables that requests reads; the others are unset."""
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return monkeypatch.setenv


def test_the_proxy_of_the_environment_is_used(server, clock, environment):
    environment("http_proxy", server.url)
    with closing(HttpClient(Connection("Thing", "http://far.example:80", clock=clock))) as client:
        client.get("/x")
    assert [request.headers["Host"] for request in server.requests] == ["far.example:80"]


def test_no_proxy_is_used_for_the_hosts_that_are_excluded(server, clock, environment):
    environment("http_proxy", "http://127.0.0.1:1")
    environment("no_proxy", "127.0.0.1")
    with closing(HttpClient(Connection("Thing", server.url, clock=clock))) as client:
        assert client.get("/x") == {"path": "/x"}


def test_a_netrc_file_logs_in_where_no_credentials_are_set(server, clock, environment, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password hunter22\n")
    for auth in (None, BasicAuth("bob", "x")):
        with closing(HttpClient(Connection("Thing", server.url, auth=auth, clock=clock))) as client:
            client.get("/x")
    netrc, own = (request.headers["Authorization"] for request in server.requests)
    assert netrc == "Basic " + base64.b64encode(b"ann:hunter22").decode()
    assert own == "Basic " + base64.b64encode(b"bob:x").decode()


def test_a_session_reads_the_environment_once(server, clock, environment, monkeypatch):
    with closing(HttpClient(Connection("Thing", server.url, clock=clock))) as client:
        monkeypatch.setattr("requests.sessions.get_environ_proxies", lambda *_, **__: pytest.fail("read again"))
        assert client.get("/x") == {"path": "/x"}
