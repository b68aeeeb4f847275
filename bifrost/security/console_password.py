"""The password with which people log in to the console of a secured platform; only its hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from bifrost.security.private_files import write_private

USER = "admin"
"""The user of people. The programs that call the console have the users of their roles."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what people confuse
_GROUPS, _GROUP_CHARS = 4, 5
_COST = 2**14
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ConsolePassword:
    """The file with the hash of the password."""

    path: Path

    @property
    def version(self) -> str:
        """Changes with the password; empty if there is none, or the file is damaged."""
        return self._stored()[1].hex()

    def renew(self) -> str:
        """Make a password, and return it. It cannot be read later: only its hash is stored.

        It has 20 characters, which is 99 bits. The console accepts it from the next request on, and no other.
        """
        groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS))
        password, salt = "-".join(groups), secrets.token_bytes(_SALT_BYTES)
        stored = {"salt": salt.hex(), "scrypt": _hash(password, salt).hex()}
        write_private(self.path, json.dumps(stored).encode())
        return password

    def matches(self, password: str) -> bool:
        """Whether it is the right password; takes some 50 ms and 16 MiB, so that guesses are expensive."""
        salt, expected = self._stored()
        return bool(expected) and hmac.compare_digest(_hash(password, salt), expected)

    def _stored(self) -> tuple[bytes, bytes]:
        try:
            found = json.loads(self.path.read_bytes())
            return bytes.fromhex(found["salt"]), bytes.fromhex(found["scrypt"])
        except (OSError, ValueError, KeyError, TypeError):
            return b"", b""


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=_COST, r=8, p=1)
