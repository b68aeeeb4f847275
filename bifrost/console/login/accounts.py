"""Who may log in to the console: people with their own password, and programs with that of their role."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bifrost.console.login.guess_limit import GuessLimit
from bifrost.security.console_password import USER, ConsolePassword


@dataclass(frozen=True, slots=True)
class LoginOutcome:
    """Whether a user and password were accepted; if `wait_s` is not 0, they were not looked at before that."""

    accepted: bool
    wait_s: float = 0.0


class Accounts:
    """The users with their passwords. Thread-safe.

    Args:
        programs: the accepted passwords by user.
        people: the password of the user `admin`.
        monotonic: seconds, for the limit of guesses.
    """

    def __init__(
        self, programs: Mapping[str, tuple[str, ...]], people: ConsolePassword, monotonic: Callable[[], float]
    ) -> None:
        self._programs = programs
        self._people = people
        self._limit = GuessLimit(monotonic)
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._last_right: tuple[bytes, str] = (b"", "")

    def check(self, user: str, password: str) -> LoginOutcome:
        """Check a login. The first check of a person's password takes some 50 ms, those that repeat it none."""
        if any([hmac.compare_digest(password.encode(), known.encode()) for known in self._programs.get(user, ())]):
            return LoginOutcome(accepted=True)
        # One at a time: guesses need not share out the machine among themselves.
        with self._lock:
            # Users that do not exist have one limit, so that they fill no memory.
            limited = user if user == USER or user in self._programs else ""
            if wait_s := self._limit.wait_s(limited):
                return LoginOutcome(accepted=False, wait_s=wait_s)
            # The password is hashed for an unknown user, too: the time does not show whether a user exists.
            is_right = self._is_password_of_people(password) and user == USER
            if is_right:
                self._limit.succeeded(limited)
            return LoginOutcome(accepted=is_right)

    def version(self, user: str) -> str:
        """Changes with the user's password; empty if the user may not log in."""
        if user == USER:
            return self._people.version
        return self._digest("\0".join(self._programs.get(user, ()))).hex() if user in self._programs else ""

    def _is_password_of_people(self, password: str) -> bool:
        version, digest = self._people.version, self._digest(password)
        known_digest, known_version = self._last_right
        if version and version == known_version and hmac.compare_digest(digest, known_digest):
            return True
        is_right = self._people.matches(password)
        if is_right:
            self._last_right = digest, version
        return is_right

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "replace"), hashlib.sha256)
