"""The login of a secured console, over TLS: sessions of people, logins of programs, tokens of services."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from bifrost.console.app import console_login
from bifrost.console.login import guess_limit, sessions
from bifrost.console.login.guess_limit import GuessLimit
from bifrost.console.login.require_session import COOKIE, local_path
from bifrost.security.console_password import USER, ConsolePassword
from bifrost.security.roles import DEPLOYER, SERVICES
from bifrost.security.secure_folder import SecureFolder
from bifrost.web.login import AcceptedTokens
from tests.fakes.console import running_console

BROWSER = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


@dataclass
class Secured:
    """A console with its folder of secrets, and the password of `admin`."""

    url: str
    folder: SecureFolder
    password: str
    clock: list[float]

    def client(self) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.verify = str(self.folder.authority_certificate)
        return made

    def login(self, client: requests.Session, password: str, user: str = USER, **form: str) -> requests.Response:
        data = {"user": user, "password": password, **form}
        return client.post(f"{self.url}/login", data=data, allow_redirects=False, timeout=10)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Secured]:
    folder, clock = SecureFolder(tmp_path / "secure"), [time.monotonic()]
    folder.prepare(datetime.now(UTC))
    password = folder.console_password.renew()
    with running_console(
        tmp_path / "inbox.sqlite",
        time.time,
        pem=folder.server_pem,
        login=console_login(folder, lambda: clock[0]),
        accepts_token=AcceptedTokens(folder.inbox_tokens).match,
    ) as client:
        yield Secured(client.url, folder, password, clock)


@pytest.fixture
def client(console: Secured) -> Iterator[requests.Session]:
    with console.client() as made:
        yield made


def test_a_browser_is_sent_to_the_login_and_from_there_to_the_page_that_it_wanted(
    console: Secured, client: requests.Session
) -> None:
    sent = client.get(f"{console.url}/topics?filter=a&b=1", headers=BROWSER, allow_redirects=False, timeout=10)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login?next=/topics%3Ffilter%3Da%26b%3D1")
    form = client.get(console.url + sent.headers["Location"], timeout=10)
    assert form.status_code == 200
    assert 'value="/topics?filter=a&amp;b=1"' in form.text

    found = console.login(client, console.password, next="/topics?filter=a&b=1")
    assert (found.status_code, found.headers["Location"]) == (303, "/topics?filter=a&b=1")
    cookie = next(text for text in found.headers["Set-Cookie"].split(", __Secure") if text.startswith(COOKIE))
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict", f"Max-Age={sessions.LIFETIME_S}"} <= set(
        cookie.split("; ")
    )
    assert client.get(f"{console.url}/inbox", timeout=10).status_code == 200
    # Who is logged in needs no second login.
    again = client.get(f"{console.url}/login?next=/inbox", allow_redirects=False, timeout=10)
    assert again.headers["Location"] == "/inbox"


def test_a_wrong_password_shows_the_form_again_with_the_user_and_the_reason(
    console: Secured, client: requests.Session
) -> None:
    answer = console.login(client, "wrong", next="/inbox")
    assert answer.status_code == 401
    assert 'role="alert">The user or the password is wrong.' in answer.text
    assert 'value="admin"' in answer.text
    assert 'value="/inbox"' in answer.text
    assert "wrong" not in answer.text.replace("password is wrong", "")
    assert not client.cookies


@pytest.mark.parametrize("user", ["", "root", "ADMIN", "admin\0", "<b>", SERVICES])
def test_another_user_is_refused_with_the_right_password_too(
    console: Secured, client: requests.Session, user: str
) -> None:
    answer = console.login(client, console.password, user)
    assert answer.status_code == 401
    assert "<b>" not in answer.text


def test_a_logout_ends_the_session_for_everybody_who_has_its_cookie(console: Secured, client: requests.Session) -> None:
    console.login(client, console.password)
    with console.client() as copy:
        copy.cookies.update(client.cookies)
        assert copy.get(f"{console.url}/inbox", timeout=10).status_code == 200
        assert client.post(f"{console.url}/logout", timeout=10).url.endswith("/login")
        assert copy.get(f"{console.url}/inbox", timeout=10).status_code == 401
    assert not client.cookies


def test_a_session_ends_after_its_time_and_with_its_password(console: Secured, client: requests.Session) -> None:
    console.login(client, console.password)
    console.clock[0] += sessions.LIFETIME_S - 1
    assert client.get(f"{console.url}/inbox", timeout=10).status_code == 200
    console.clock[0] += 2
    assert client.get(f"{console.url}/inbox", timeout=10).status_code == 401

    console.login(client, console.password)
    other = console.folder.console_password.renew()
    assert client.get(f"{console.url}/inbox", timeout=10).status_code == 401
    assert console.login(client, console.password).status_code == 401
    assert console.login(client, other).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "ü", "a" * 10_000])
def test_an_invented_session_is_none(console: Secured, client: requests.Session, token: str) -> None:
    headers = {"Cookie": f"{COOKIE}={token}".encode()}
    assert client.get(f"{console.url}/inbox", headers=headers, timeout=10).status_code == 401


def test_programs_use_basic_authentication_with_a_challenge_and_open_pages_get_none(
    console: Secured, client: requests.Session
) -> None:
    url = f"{console.url}/api/messages"
    refused = client.get(url, timeout=10)
    assert (refused.status_code, refused.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    for login in ((DEPLOYER, console.folder.password(DEPLOYER)), (USER, console.password)):
        assert client.get(url, auth=login, timeout=10).json() == []
    for login in ((DEPLOYER, "wrong"), (USER, console.folder.password(DEPLOYER)), (DEPLOYER, console.password)):
        assert client.get(url, auth=login, timeout=10).status_code == 401
    from_page = client.get(url, headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}, timeout=10)
    assert from_page.status_code == 401
    assert "WWW-Authenticate" not in from_page.headers
    assert "log in" in from_page.json()["error"]


def test_guesses_are_slowed_down_and_the_right_password_works_after_the_wait(
    console: Secured, client: requests.Session
) -> None:
    codes = [console.login(client, f"guess {number}").status_code for number in range(7)]
    assert codes == [401] * 5 + [429] * 2
    early = console.login(client, console.password)
    assert (early.status_code, early.headers["Retry-After"]) == (429, "1")
    assert "Try again in 1 second." in early.text
    assert client.get(f"{console.url}/", auth=(USER, console.password), timeout=10).status_code == 429
    # The guesses of one user do not lock out a program.
    program = (DEPLOYER, console.folder.password(DEPLOYER))
    assert client.get(f"{console.url}/api/messages", auth=program, timeout=10).status_code == 200
    console.clock[0] += 1.1
    assert console.login(client, console.password).status_code == 303


def test_the_wait_doubles_to_its_limit_and_guesses_are_forgotten() -> None:
    clock = [1000.0]
    limit = GuessLimit(lambda: clock[0])
    waits = []
    for _ in range(15):
        wait = limit.wait_s("admin")
        waits.append(round(wait))
        clock[0] += wait
        if wait:
            assert limit.wait_s("admin") == 0
    assert waits == [0] * 5 + [1, 2, 4, 8, 16, *[30] * 5]
    assert limit.wait_s("other") == 0
    clock[0] += guess_limit.FORGET_S + 1
    assert [limit.wait_s("admin") for _ in range(5)] == [0] * 5


def test_a_page_of_another_site_can_neither_log_in_nor_out(console: Secured, client: requests.Session) -> None:
    foreign = {"Origin": "https://evil.example"}
    data = {"user": USER, "password": console.password}
    assert client.post(f"{console.url}/login", data=data, headers=foreign, timeout=10).status_code == 403
    console.login(client, console.password)
    assert client.post(f"{console.url}/logout", headers=foreign, timeout=10).status_code == 403
    assert client.get(f"{console.url}/inbox", timeout=10).status_code == 200
    # A link that somebody follows does not log out.
    assert client.get(f"{console.url}/logout", timeout=10).status_code == 405


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example/", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "topics", "/a\n/b"],
)
def test_a_login_leads_to_no_other_site(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_a_login_does_not_lead_to_the_login_again() -> None:
    assert local_path("/login?next=/login") == "/"
    assert local_path("/topics/a%20b?from=newest") == "/topics/a%20b?from=newest"


def test_a_large_or_malformed_form_is_refused(console: Secured, client: requests.Session) -> None:
    assert console.login(client, "x" * 5000).status_code == 413
    answer = client.post(f"{console.url}/login", data=b"\xff\xfe=&&&==%zz", timeout=10)
    assert answer.status_code == 401


def test_the_pages_open_without_a_login_are_few(console: Secured, client: requests.Session) -> None:
    for path in ("/healthz", "/login", "/static/page_frame.css", "/static/login.css", "/static/icon.svg"):
        assert client.get(console.url + path, timeout=10).status_code == 200, path
    for path in (
        "/",
        "/metrics",
        "/inbox",
        "/static/page_frame.js",
        "/api/faults",
        "/events",
        "/telegram",
        "/login/x",
        "/nothing",
    ):
        assert client.get(console.url + path, timeout=10).status_code == 401, path


def test_the_apis_of_slack_and_telegram_accept_only_the_token_of_the_services(
    console: Secured, client: requests.Session
) -> None:
    (token,) = console.folder.inbox_tokens
    message = {"channel": "c", "text": "t"}
    for path in ("/chat.postMessage", "/api/chat.postMessage"):
        for given, error in (("", "not_authed"), ("wrong", "invalid_auth"), (console.password, "invalid_auth")):
            headers = {"Authorization": f"Bearer {given}"}
            answer = client.post(console.url + path, json=message, headers=headers, timeout=10)
            assert answer.json() == {"ok": False, "error": error}
        assert client.post(
            console.url + path, json=message, headers={"Authorization": f"Bearer {token}"}, timeout=10
        ).json()["ok"]
    wrong = client.get(f"{console.url}/bot1:wrong/getMe", timeout=10)
    assert (wrong.status_code, wrong.json()["description"]) == (401, "Unauthorized")
    assert client.get(f"{console.url}/bot{token}/getMe", timeout=10).json()["ok"]


def test_a_password_is_shown_once_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    stored = ConsolePassword(tmp_path / "password.json")
    assert not stored.matches("")
    assert stored.version == ""
    made = stored.renew()
    assert made not in stored.path.read_text()
    assert stored.path.stat().st_mode & 0o777 == 0o600
    assert stored.matches(made)
    assert not stored.matches(made[:-1])
    assert made != ConsolePassword(tmp_path / "other.json").renew()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"salt": 1, "scrypt": "00"}', '{"salt": "x", "scrypt": "y"}']
)
def test_a_damaged_file_of_the_password_accepts_nothing(tmp_path: Path, text: str) -> None:
    stored = ConsolePassword(tmp_path / "password.json")
    stored.path.write_text(text)
    assert stored.version == ""
    assert not stored.matches("")
