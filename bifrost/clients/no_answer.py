"""Why a request got no answer, in plain words and without its URL, which may contain a secret."""

from __future__ import annotations

import re

from requests.exceptions import ChunkedEncodingError

_VERIFY_FAILED = re.compile(r"certificate verify failed: (?P<why>[^(]+)")
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "record layer failure")
_NO_CLIENT = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")


def reason_of(error: Exception) -> str:
    """Return in few words why there was no answer."""
    text = str(error)
    if problem := tls_problem(error, ""):
        return problem
    for known in (
        "Connection refused",
        "timed out",
        "Connection reset",
        "Name or service not known",
        "Failed to resolve",
        "Exceeded 30 redirects",
    ):
        if known in text:
            return known.lower()
    if "RemoteDisconnected" in text or "BadStatusLine" in text:
        return "the server closed the connection; if it expects TLS, its URL begins with https"
    if "Connection aborted" in text:
        return "connection aborted"
    if isinstance(error, ChunkedEncodingError):
        return "the answer ended early"
    return type(error).__name__


def tls_problem(error: Exception, prefix: str) -> str | None:
    """Return in plain words why a TLS handshake can never succeed, `None` where it may next time.

    Args:
        error: of the handshake.
        prefix: of the API's settings, to name the one that helps; empty for no hint.
    """
    text = str(error)
    if match := _VERIFY_FAILED.search(text):
        hint = f"; {prefix}_CA_LOCATION names the file with the CA that signed it" if prefix else ""
        return f"its certificate is not trusted ({match['why'].strip().rstrip('.')}){hint}"
    if any(words in text for words in _NO_TLS):
        return "the server does not speak TLS; its URL begins with http"
    if any(
        words in text for words in ("ALERT_CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAIL")
    ):
        hint = f"; see {prefix}_CERTIFICATE_LOCATION" if prefix else ""
        return f"the server does not accept this client's certificate, or wants one{hint}"
    return None
