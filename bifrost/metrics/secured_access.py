"""TLS and a login for `/metrics` of a program of a secured platform."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from bifrost.default_settings import METRICS_USERS, SERVER_PEM
from bifrost.web.login import AcceptedUsers


@dataclass(frozen=True, slots=True)
class SecuredAccess:
    """Who may read the figures, and the certificate that they see."""

    tls: ssl.SSLContext
    users: AcceptedUsers


def secured_access(folder: Path) -> SecuredAccess:
    """Read the access from the folder of a secured platform. Each request does, so a rotation needs no restart.

    Raises:
        OSError, ValueError: a file is missing or damaged.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / SERVER_PEM)
    found: dict[str, list[str]] = json.loads((folder / METRICS_USERS).read_text())
    return SecuredAccess(tls, AcceptedUsers({user: tuple(accepted) for user, accepted in found.items()}))
