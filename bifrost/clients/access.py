"""How a client proves who it is, and which certificates it trusts: settings `<PREFIX>_USER`, `<PREFIX>_TOKEN`, ..."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from bifrost.errors import SettingError
from bifrost.settings import Settings

PREFIXES = ("CONNECT", "SCHEMA_REGISTRY", "KSQLDB", "ELASTICSEARCH", "KIBANA")
"""The APIs with credentials and certificates."""
WITH_API_KEY = ("ELASTICSEARCH", "KIBANA")
TLS_PREFIXES = (*PREFIXES, "S3", "SLACK", "TELEGRAM")
"""All that have certificates."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User and password of HTTP basic authentication; an API key and its secret too, where an API takes them so."""

    user: str
    password: str = field(repr=False)

    def of_requests(self) -> AuthBase:
        """The same for the library `requests`."""
        # UTF-8, as servers expect; the library itself would encode texts in Latin-1.
        return HTTPBasicAuth(self.user.encode(), self.password.encode())


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A token of the header `Authorization`: `Bearer`, or `ApiKey` of Elasticsearch and Kibana."""

    scheme: str
    token: str = field(repr=False)

    def of_requests(self) -> AuthBase:
        """The same for the library `requests`."""
        return _Header(f"{self.scheme} {self.token}")


class _Header(AuthBase):
    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the trusted CAs (empty: those of the system), and the client's certificate and key (empty: none)."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def verify(self) -> str | bool:
        """What to check a server's certificate with, as `requests` and `boto3` take it."""
        return self.ca or True

    @property
    def client(self) -> tuple[str, str] | str | None:
        """The client's certificate, as `requests` takes it."""
        return (self.certificate, self.key) if self.key else self.certificate or None

    def context(self) -> ssl.SSLContext:
        """A TLS context with these files."""
        made = ssl.create_default_context(cafile=self.ca or None)
        if self.certificate:
            made.load_cert_chain(self.certificate, self.key or None)
        return made


def auth_of(settings: Settings, prefix: str) -> BasicAuth | TokenAuth | None:
    """The credentials of an API: `<PREFIX>_TOKEN`, else `<PREFIX>_USER` and `<PREFIX>_PASSWORD`.

    Elasticsearch and Kibana take `<PREFIX>_API_KEY` too, before the others.
    """
    names = (("API_KEY", "ApiKey"), ("TOKEN", "Bearer")) if prefix in WITH_API_KEY else (("TOKEN", "Bearer"),)
    for name, scheme in names:
        if token := settings.get(f"{prefix}_{name}"):
            return TokenAuth(scheme, token)
    user = settings.get(f"{prefix}_USER")
    return BasicAuth(user, settings.get(f"{prefix}_PASSWORD")) if user else None


def tls_of(settings: Settings, prefix: str) -> TlsFiles:
    """The certificates of an API: `<PREFIX>_CA_LOCATION`, `_CERTIFICATE_LOCATION`, `_KEY_LOCATION`.

    Raises:
        SettingError: a file cannot be read, or does not contain what it should.
    """
    names = {part: f"{prefix}_{part}_LOCATION" for part in ("CA", "CERTIFICATE", "KEY")}
    paths = {part: settings.get(name) for part, name in names.items()}
    if not any(paths.values()):
        return TlsFiles()
    for part, path in paths.items():
        if path and not Path(path).is_file():
            raise SettingError(names[part], f"no such file: {path}")
    if paths["KEY"] and not paths["CERTIFICATE"]:
        raise SettingError(names["KEY"], f"needs {names['CERTIFICATE']}")
    files = TlsFiles(paths["CA"], paths["CERTIFICATE"], paths["KEY"])
    _check(files, names)
    return files


def _check(files: TlsFiles, names: Mapping[str, str]) -> None:
    try:
        TlsFiles(ca=files.ca).context()
    except (OSError, ssl.SSLError) as error:
        problem = f"{files.ca} does not contain certificates in PEM form ({_reason(error)})"
        raise SettingError(names["CA"], problem) from error
    try:
        files.context()
    except (OSError, ssl.SSLError) as error:
        problem = f"{files.certificate} and its key do not fit, or are not in PEM form ({_reason(error)})"
        raise SettingError(names["CERTIFICATE"], problem) from error


def _reason(error: OSError) -> str:
    return (getattr(error, "reason", None) or error.strerror or type(error).__name__).lower()
