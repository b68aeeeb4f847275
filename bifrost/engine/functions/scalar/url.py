"""URL functions; URLs are split as java.net.URI splits them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote_plus, unquote, unquote_plus

from bifrost.engine.functions.library import FunctionError, Library

LIBRARY = Library("URL")

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_ILLEGAL = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(r"(?:[^@]*@)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9.-]+)(?::(\d*))?")


@dataclass(frozen=True, slots=True)
class _Url:
    """The undecoded parts of a URL; None for a missing part."""

    scheme: str | None
    host: str | None
    port: int | None
    path: str | None
    query: str | None
    fragment: str | None


@lru_cache(maxsize=256)
def _parsed(text: str) -> _Url | None:
    """Split a URI, or return None if the text is not a URI."""
    match = _PARTS.fullmatch(text)
    if match is None or _ILLEGAL.search(text) or "#" in (match[5] or ""):
        return None
    scheme, authority, path, query, fragment = match.groups()
    if not scheme and ":" in path.split("/")[0]:
        return None
    # An opaque URI such as mailto:a@b: java.net.URI gives it no path and no query.
    if scheme and authority is None and not path.startswith("/"):
        return _Url(scheme, None, None, None, None, fragment) if path else None
    server = _AUTHORITY.fullmatch(authority or "")
    host, port = (server[1], server[2]) if server is not None else (None, None)
    return _Url(scheme, host, int(port) if port else None, path, query, fragment)


def _decoded(part: str | None) -> str | None:
    return None if part is None else unquote(part)


@LIBRARY.scalar(
    "URL_EXTRACT_FRAGMENT", "input STRING -> STRING", description="Returns the fragment of a URL, decoded.", total=True
)
def fragment_of(text: str) -> str | None:
    """Return the part after the `#`."""
    url = _parsed(text)
    return _decoded(url.fragment) if url is not None else None


@LIBRARY.scalar("URL_EXTRACT_HOST", "input STRING -> STRING", description="Returns the host of a URL.", total=True)
def host_of(text: str) -> str | None:
    """Return the host's name or address."""
    url = _parsed(text)
    return url.host if url is not None else None


@LIBRARY.scalar("URL_EXTRACT_PATH", "input STRING -> STRING", description="Returns the path of a URL.", total=True)
def path_of(text: str) -> str | None:
    """Return the path, empty if there is none."""
    url = _parsed(text)
    return _decoded(url.path) if url is not None else None


@LIBRARY.scalar("URL_EXTRACT_PORT", "input STRING -> INTEGER", description="Returns the port of a URL.", total=True)
def port_of(text: str) -> int | None:
    """Return the port that the URL names."""
    url = _parsed(text)
    return url.port if url is not None else None


@LIBRARY.scalar(
    "URL_EXTRACT_PROTOCOL", "input STRING -> STRING", description="Returns the protocol of a URL.", total=True
)
def protocol_of(text: str) -> str | None:
    """Return the scheme."""
    url = _parsed(text)
    return url.scheme if url is not None else None


@LIBRARY.scalar(
    "URL_EXTRACT_QUERY", "input STRING -> STRING", description="Returns the query of a URL, decoded.", total=True
)
def query_of(text: str) -> str | None:
    """Return the part after the `?`."""
    url = _parsed(text)
    return _decoded(url.query) if url is not None else None


@LIBRARY.scalar(
    "URL_EXTRACT_PARAMETER",
    "input STRING, paramToExtract STRING -> STRING",
    description="Returns the value of a parameter in the query of a URL, decoded.",
    total=True,
)
def parameter_of(text: str, name: str) -> str | None:
    """Return the parameter's first value; null if it has none."""
    url = _parsed(text)
    if url is None or url.query is None:
        return None
    for part in url.query.split("&"):
        key, equals, value = part.partition("=")
        if equals and unquote_plus(key) == name:
            return unquote_plus(value)
    return None


@LIBRARY.scalar(
    "URL_DECODE_PARAM",
    "input STRING -> STRING",
    description="Decodes a parameter of a URL's query.",
)
def decode_parameter(text: str) -> str:
    """Decode the text."""
    if _BAD_ESCAPE.search(text):
        raise FunctionError(f"url_decode udf: illegal hex characters in escape (%) pattern: {text}")
    return unquote_plus(text)


@LIBRARY.scalar(
    "URL_ENCODE_PARAM",
    "input STRING -> STRING",
    description="Encodes a text so that it may be a parameter of a URL's query.",
    total=True,
)
def encode_parameter(text: str) -> str:
    """Encode the text as application/x-www-form-urlencoded."""
    # Java's URLEncoder keeps the asterisk and escapes the tilde, Python does the opposite.
    return quote_plus(text, safe="*").replace("~", "%7E")
