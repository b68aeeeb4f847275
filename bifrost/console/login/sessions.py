"""The sessions of people who are logged in, in memory: a restart of the console ends them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME_S = 12 * 3600
MOST = 200
"""When there are more, the oldest ends."""


@dataclass(frozen=True, slots=True)
class _Session:
    user: str
    version: str
    ends: float


class Sessions:
    """The sessions by the hash of their token, so that a reader of the memory cannot use them.

    Args:
        version_of: of a user's password; a session ends when it changes.
        monotonic: seconds.
    """

    def __init__(self, version_of: Callable[[str], str], monotonic: Callable[[], float]) -> None:
        self._version_of = version_of
        self._monotonic = monotonic
        self._sessions: dict[bytes, _Session] = {}

    def begin(self, user: str) -> str:
        """Begin a session and return its token."""
        token = secrets.token_urlsafe(32)
        while len(self._sessions) >= MOST:
            self._sessions.pop(next(iter(self._sessions)))
        ends = self._monotonic() + LIFETIME_S
        self._sessions[_hash(token)] = _Session(user, self._version_of(user), ends)
        return token

    def user_of(self, token: str) -> str | None:
        """The user of a session; none if it has ended, or never was one."""
        key = _hash(token)
        found = self._sessions.get(key)
        if found is None:
            return None
        if self._monotonic() > found.ends or found.version != self._version_of(found.user):
            self._sessions.pop(key, None)
            return None
        return found.user

    def end(self, token: str) -> None:
        """End a session, if it is one."""
        self._sessions.pop(_hash(token), None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
