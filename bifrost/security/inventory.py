"""What a secured platform keeps, without secrets: for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from bifrost.security.certificates import server_names
from bifrost.security.console_password import USER
from bifrost.security.roles import API_CALLERS, BY_CERTIFICATE, KAFKA_ROLES
from bifrost.security.secure_folder import SecureFolder


def inventory(folder: SecureFolder, now: datetime) -> dict[str, Any]:
    """The authorities, certificates and users, as JSON; times are in ISO 8601.

    Raises:
        ComponentError: a file is damaged.
    """
    state = folder.rotation.state()
    server = folder.read_certificate(folder.server_pem)
    clients = sorted({role for api in BY_CERTIFICATE for role in API_CALLERS[api]})
    return {
        "folder": str(folder.root),
        "authorities": [
            _certificate(each, now)
            for each in x509.load_pem_x509_certificates(folder.authority_certificate.read_bytes())
        ],
        "servers": {**_certificate(server.certificate, now), "names": list(server_names(server))},
        "clients": [
            {"role": role, **_certificate(folder.read_certificate(folder.client_pem(role)).certificate, now)}
            for role in clients
        ],
        "passwords": {"made": _time(folder.passwords_made), "kafka_users": list(KAFKA_ROLES)},
        "console": {"user": USER, "has_password": bool(folder.console_password.version)},
        "rotation": None if state is None else state.as_json(),
    }


def inventory_lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    for each in found["authorities"]:
        yield f"authority      {_until(each)}  {each['subject']}"
    yield f"servers        {_until(found['servers'])}  {', '.join(found['servers']['names'])}"
    for each in found["clients"]:
        yield f"client         {_until(each)}  {each['role']}"
    yield f"passwords      made {found['passwords']['made'][:10]}  {', '.join(found['passwords']['kafka_users'])}"
    has = "has a password" if found["console"]["has_password"] else "has no password; `secure password` makes one"
    yield f"console        {found['console']['user']} {has}"
    if (state := found["rotation"]) is not None:
        what = " and ".join(kind for kind in ("certificates", "passwords") if state[kind])
        yield f"rotation       of {what} since {state['began']}, stage {state['stage']}; `secure rotate` continues it"


def _certificate(certificate: x509.Certificate, now: datetime) -> dict[str, Any]:
    ends = certificate.not_valid_after_utc
    subject = certificate.subject.rfc4514_string().removeprefix("CN=")
    return {"subject": subject, "ends": _time(ends), "days": (ends - now).days}


def _until(certificate: dict[str, Any]) -> str:
    return f"ends {certificate['ends'][:10]} ({certificate['days']} days)"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
