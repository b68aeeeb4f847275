"""The HTTP behaviour of all REST clients: deadlines, retries, and errors without secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import requests
from requests.exceptions import (
    ConnectTimeout,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
    SSLError,
)
from requests.utils import get_netrc_auth
from urllib3.exceptions import NewConnectionError

from bifrost.backoff import Backoff, RetryDelays
from bifrost.clients.access import BasicAuth, TlsFiles, TokenAuth, auth_of, tls_of
from bifrost.clients.no_answer import reason_of, tls_problem
from bifrost.errors import NotReady, Refused, RemoteError, SettingError, Unreachable
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings

CONNECT_TIMEOUT_S = 5.0
PATIENCE_S = 30.0
READ_TIMEOUT_S = 30.0
BACKOFF = Backoff(first_s=0.1, max_s=2.0)
ERROR_BODY_LIMIT = 2000
BUSY = frozenset({409, 503})
SERVER_FAULTS = frozenset({500, 502, 504})
READ_RETRIES = 3
"""How often a read is sent again after a server fault or an answer that broke off."""
_MALFORMED_URL = (InvalidSchema, InvalidURL, MissingSchema)


P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="RestClient")


class Clock(Protocol):
    """The clock of the clients; tests replace it."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The real clock."""

    def monotonic(self) -> float:
        """Return seconds since a fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one REST API.

    `patience_s` limits the retries of one request, `busy` are the HTTP statuses worth a retry, and `secrets` are the
    settings whose secret values are removed from error texts. `prefix` is that of the API's settings, for error texts.
    """

    system: str
    url: str
    auth: BasicAuth | TokenAuth | None = None
    patience_s: float = PATIENCE_S
    busy: frozenset[int] = BUSY
    clock: Clock = field(default_factory=SystemClock, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: TlsFiles = field(default_factory=TlsFiles)
    prefix: str = ""


def connection_to(
    settings: Settings,
    system: str,
    url: str,
    prefix: str,
    *,
    patience_s: float = PATIENCE_S,
    busy: frozenset[int] = BUSY,
) -> Connection:
    """Return the connection to an API with its credentials and certificates.

    Args:
        settings: hold `<PREFIX>_USER`, `_PASSWORD`, `_TOKEN`, `_API_KEY`, and `_CA_LOCATION`, `_CERTIFICATE_LOCATION`,
            `_KEY_LOCATION`.
        system: the API's name in errors.
        url: where it is.
        prefix: of its settings.
        patience_s: limit of the retries of one request.
        busy: the HTTP statuses worth a retry.

    Raises:
        SettingError: a file of certificates is not usable.
    """
    auth, tls = auth_of(settings, prefix), tls_of(settings, prefix)
    return Connection(system, url, auth, patience_s, busy, secrets=settings.secrets, tls=tls, prefix=prefix)


class HttpClient:
    """Sends requests to one REST API.

    It retries for `patience_s` seconds after a failed connection, a busy status, or a 409 or 500 while Connect
    rebalances. It does not retry a request that may have taken effect and must not take effect twice (a `POST` that
    timed out). It sends a read again up to `READ_RETRIES` times after a server fault or an answer that broke off: one
    such answer of a server or a proxy in front of it must not end a deployment.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._session = requests.Session()
        self.clock_skew_s: float | None = None
        """How far the server's clock is ahead of ours (seconds), as its last answer says; `None` if it does not say."""
        self._secrets = secrets_of(connection.secrets)
        self._session.cert = connection.tls.client
        self._verify = connection.tls.verify
        # A malformed URL is reported by the first request.
        with suppress(ValueError):
            found = self._session.merge_environment_settings(connection.url, {}, None, connection.tls.verify, None)
            self._session.proxies, self._verify = dict(found["proxies"]), found["verify"] or connection.tls.verify
            self._session.auth = get_netrc_auth(connection.url)
        # requests would search the whole environment several times for each request, a third of its cost.
        self._session.trust_env = False
        if connection.auth is not None:
            self._session.auth = connection.auth.of_requests()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, *, params: Mapping[str, Any] | None = None, patience_s: float | None = None) -> Any:
        """Return the JSON of a GET."""
        return self.call("GET", path, params=params, patience_s=patience_s)

    def get_or_none(self, path: str) -> Any:
        """Return the JSON of a GET, `None` for a 404."""
        try:
            return self.get(path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
        patience_s: float | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """Send a request and return the decoded JSON of its answer, `None` for an empty answer.

        Args:
            timeout_s: deadline of one attempt.
            patience_s: limit of the retries, instead of the connection's.
            repeatable: whether to retry when the request may have arrived; by default yes, except for `POST`. `True`
                also treats the request as a read, as a `GET` is.

        Raises:
            Unreachable: no answer within the deadline.
            NotReady: the system stayed busy.
            Refused: any other error status, or an answer that is not JSON.
        """
        return self.send(
            method,
            path,
            None if body is None else json.dumps(body),
            params=params,
            headers=headers,
            timeout_s=timeout_s,
            patience_s=patience_s,
            repeatable=repeatable,
        )

    def send(
        self,
        method: str,
        path: str,
        content: str | bytes | None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
        patience_s: float | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """Send an encoded body; otherwise as `call`."""
        sent_headers = {"Content-Type": content_type, "Accept": "application/json", **(headers or {})}
        may_repeat = method != "POST" if repeatable is None else repeatable
        is_read = method == "GET" or bool(repeatable)
        reads_left = READ_RETRIES if is_read else 0
        deadline = self._deadline(patience_s)
        delays = RetryDelays(BACKOFF)
        while True:
            answer = self._attempt(method, path, content, params, sent_headers, timeout_s)
            outcome = answer if isinstance(answer, RemoteError) else self._decoded(f"{method} {path}", answer, is_read)
            if isinstance(outcome, _Decoded):
                return outcome.value
            delay_s = delays.next_s()
            repeats_read = reads_left > 0 and _is_server_fault(outcome)
            reads_left -= repeats_read
            retriable = repeats_read or _is_retriable(outcome, may_repeat)
            if not retriable or self.connection.clock.monotonic() + delay_s > deadline:
                raise outcome
            self.connection.clock.sleep(delay_s)

    def get_text(self, path: str, *, timeout_s: float = READ_TIMEOUT_S) -> str:
        """GET a text, in one attempt.

        Raises:
            Unreachable, NotReady, Refused: as `call`.
        """
        answer = self._attempt("GET", path, None, None, {"Accept": "text/plain"}, timeout_s)
        if isinstance(answer, RemoteError):
            raise answer
        return answer.text

    def stream(self, path: str, *, body: object, headers: Mapping[str, str], idle_s: float | None) -> requests.Response:
        """POST and return the response with an unread body; the caller closes it.

        Args:
            idle_s: longest silence of the server, `None` for no limit.

        Raises:
            Unreachable, Refused: as `call`.
        """
        response = self.stream_any(path, body=body, headers=headers, idle_s=idle_s)
        if is_success(response):
            return response
        with response:
            raise self._problem(f"POST {path}", response)

    def stream_any(
        self, path: str, *, body: object, headers: Mapping[str, str], idle_s: float | None
    ) -> requests.Response:
        """As `stream`, but also return an answer with an error status.

        Raises:
            Unreachable: as `call`.
        """
        try:
            return self._session.post(
                self.connection.url.rstrip("/") + path,
                allow_redirects=False,
                data=json.dumps(body),
                headers={"Content-Type": "application/json", **headers},
                timeout=(CONNECT_TIMEOUT_S, idle_s),
                stream=True,
                verify=self._verify,
            )
        except SSLError as error:
            raise self._untrusted(f"POST {path}", error) from error
        except RequestException as error:
            raise self.unreachable(f"POST {path}", error) from error

    def unreachable(self, request: str, error: Exception) -> Unreachable:
        """Return the error for a request without an answer."""
        return _NoAnswer(
            self.connection.system,
            request,
            f"no answer from {redact_text(self.connection.url)} ({reason_of(error)})",
            error,
        )

    def _untrusted(self, request: str, error: SSLError) -> RemoteError:
        """Return the error for a failed TLS handshake, which a retry does not change."""
        problem = tls_problem(error, self.connection.prefix)
        if problem is None:
            return self.unreachable(request, error)
        url = redact_text(self.connection.url)
        return Refused(self.connection.system, request, status=0, body=f"no connection to {url}: {problem}")

    def refused(self, request: str, status: int, body: str) -> Refused:
        """Return the error for an answer with an error status, without secrets."""
        return Refused(self.connection.system, request, status=status, body=self.clean(body))

    def clean(self, text: str) -> str:
        """Return a text from outside without secrets and with a limited length."""
        return self.redacted(text)[:ERROR_BODY_LIMIT]

    def redacted(self, text: str) -> str:
        """Replace known secrets, and texts that look like secrets, in a text from outside."""
        return redact_text(text, self._secrets)

    def _deadline(self, patience_s: float | None) -> float:
        patience = self.connection.patience_s if patience_s is None else patience_s
        return self.connection.clock.monotonic() + patience

    def _attempt(
        self,
        method: str,
        path: str,
        content: str | bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> requests.Response | RemoteError:
        try:
            response = self._session.request(
                method,
                self.connection.url.rstrip("/") + path,
                data=content,
                params=params,
                headers=dict(headers),
                timeout=(CONNECT_TIMEOUT_S, timeout_s),
                # A redirected write would become a GET, whose answer is not that of the write.
                allow_redirects=method == "GET",
                verify=self._verify,
            )
        except _MALFORMED_URL:
            problem = f"{redact_text(self.connection.url)} is not an http or https URL"
            return Refused(self.connection.system, f"{method} {path}", status=0, body=problem)
        except SSLError as error:
            return self._untrusted(f"{method} {path}", error)
        except RequestException as error:
            return self.unreachable(f"{method} {path}", error)
        self.clock_skew_s = _clock_skew_s(response)
        if not is_success(response):
            return self._problem(f"{method} {path}", response)
        return response

    def _problem(self, request: str, response: requests.Response) -> RemoteError:
        message = error_message(response.text)
        if response.is_redirect:
            message = f"redirects to {response.headers['Location']}; configure that URL"
        rebalancing = response.status_code in (409, 500) and "rebalance" in message.lower()
        # A Connect worker that is starting answers with an HTML page of its web server.
        starting = response.status_code == 404 and "html" in response.headers.get("Content-Type", "")
        if rebalancing or starting or response.status_code in self.connection.busy:
            return NotReady(self.connection.system, request, f"{response.status_code} {self.clean(message)}")
        if response.status_code in (401, 403) and self.connection.prefix:
            message = f"{message or response.reason}; {self._credentials_hint()}"
        return self.refused(request, response.status_code, message)

    def _credentials_hint(self) -> str:
        prefix = self.connection.prefix
        match self.connection.auth:
            case BasicAuth():
                return f"check {prefix}_USER and {prefix}_PASSWORD"
            case TokenAuth(scheme="ApiKey"):
                return f"check {prefix}_API_KEY"
            case TokenAuth():
                return f"check {prefix}_TOKEN"
            case _:
                return f"no credentials are set: {prefix}_USER and {prefix}_PASSWORD, or {prefix}_TOKEN"

    def _decoded(self, request: str, response: requests.Response, is_read: bool) -> _Decoded | Refused:
        if not response.content:
            # Without a length, an answer that broke off after its head looks like an empty one.
            broke_off = is_read and response.status_code == 200 and "Content-Length" not in response.headers
            return self.refused(request, 200, "an empty answer") if broke_off else _Decoded(None)
        try:
            return _Decoded(response.json())
        except ValueError:
            return self.refused(request, response.status_code, f"not JSON: {response.text[:200]}")


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The decoded JSON of an answer with a success status, `None` for an empty answer."""

    value: Any


def _clock_skew_s(response: requests.Response) -> float | None:
    """The header has whole seconds, and is a little older than the answer's arrival."""
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date.timestamp() - time.time()


class RestClient:
    """A client of one REST API: an `HttpClient` that is closed at the end of a `with` block."""

    def __init__(self, connection: Connection) -> None:
        self.http = HttpClient(connection)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def checks_shape(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """Turn an answer that lacks what a client's method reads from it into an error that names the system.

    A proxy, or another program on the port of a wrong URL, answers with 200 too.
    """

    @wraps(method)
    def checked(self: C, /, *arguments: P.args, **options: P.kwargs) -> R:
        try:
            return method(self, *arguments, **options)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            connection = self.http.connection
            problem = f"unexpected answer; is {redact_text(connection.url)} its URL? ({type(error).__name__}: {error})"
            raise Refused(connection.system, method.__name__.replace("_", " "), status=0, body=problem) from error

    return checked


class _NoAnswer(Unreachable):
    """`Unreachable` that knows whether the request may have arrived."""

    def __init__(self, system: str, request: str, problem: str, cause: Exception) -> None:
        super().__init__(system, request, problem)
        self.__cause__ = cause
        # requests wraps the error of urllib3, which says why.
        reason = getattr(cause.args[0] if cause.args else None, "reason", None)
        self.never_arrived = isinstance(cause, ConnectTimeout) or isinstance(reason, NewConnectionError)


def is_success(response: requests.Response) -> bool:
    """Return whether the status is a success; unlike `response.ok`, a redirect is none."""
    return 200 <= response.status_code < 300


def require_http_url(setting: str, url: str) -> str:
    """Return `url` if it is an http or https URL with a host.

    Raises:
        SettingError: it is not; the error names the setting.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bad port, or a bracket that is not closed
        is_valid = False
    if not is_valid:
        raise SettingError(setting, f"{redact_text(url)!r} is not an http or https URL")
    return url


def error_message(body: str) -> str:
    """Return the `message` of a JSON error body, otherwise the body itself."""
    try:
        found = json.loads(body)
    except ValueError:
        return body.strip()
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        return str(found["message"])
    return body.strip()


def _is_server_fault(error: RemoteError) -> bool:
    """Return whether an error says nothing about the request: a server fault, or a success without its JSON."""
    return isinstance(error, Refused) and (error.status in SERVER_FAULTS or 200 <= error.status < 300)


def _is_retriable(error: RemoteError, may_repeat: bool) -> bool:
    match error:
        case _NoAnswer():
            # A request that found no connection had no effect, so even a POST may be sent again.
            return error.never_arrived or may_repeat
        case NotReady():
            return True
        case _:
            return False
