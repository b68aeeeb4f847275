"""Rotates certificates and passwords of a secured platform that runs, with one part at a time without service.

All parts restart three times, one after another. First they learn to accept the new beside the old; then they use the
new; then they accept only the new. So at any moment each part accepts what every other one uses. A rotation that was
interrupted continues from its state, or a start of the stopped platform completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from bifrost.security.roles import KAFKA_ROLES
from bifrost.security.rotation_state import RotationState, Stage
from bifrost.security.secure_folder import SECOND_MECHANISM, Mechanism, SecureFolder

_WITH_CERTIFICATE_ALONE = frozenset(("mariadb", "postgres", "s3"))
"""Servers that restart for their own certificate only: their users are not those of the platform."""
_SERVERS_WITH_PASSWORDS = frozenset(
    ("broker", "schema_registry", "search", "ksqldb", "rest_proxy", "console", "mongodb")
)
_STAGES: Mapping[Stage, str] = {
    "accept": "1/3 accept the new beside the old",
    "use": "2/3 use the new",
    "drop": "3/3 accept only the new",
}


class UserStore(Protocol):
    """The part of Kafka's administration that is needed (`KafkaAccess`)."""

    def set_passwords(self, passwords: Mapping[str, str], mechanism: str) -> None:
        """Give users their passwords."""
        ...

    def remove_passwords(self, users: Iterable[str], mechanism: str) -> None:
        """Remove users from a mechanism."""
        ...


class Parts(Protocol):
    """The parts of the platform that run."""

    def running(self) -> tuple[str, ...]:
        """Their names, in starting order."""
        ...

    def restart(self, name: str) -> None:
        """Restart one and wait until it is ready; raises `ComponentError` if it does not become ready."""
        ...


def write_kafka_users(store: UserStore, passwords: Mapping[Mechanism, Mapping[str, str]]) -> None:
    """Let Kafka accept these passwords by mechanism, and none of a mechanism without any.

    Raises:
        Refused: the account may not do this.
        Unreachable: no broker answered in time.
    """
    for mechanism, found in passwords.items():
        if found:
            store.set_passwords(found, mechanism)
        else:
            store.remove_passwords(KAFKA_ROLES, mechanism)


def continue_rotation(
    folder: SecureFolder,
    parts: Parts,
    open_users: Callable[[], UserStore],
    clock: Callable[[], datetime],
    progress: Callable[[str], None],
    agents: Collection[str] = (),
) -> None:
    """Carry the rotation that has begun to its end; nothing if none has.

    Args:
        open_users: connects to Kafka with the settings that the role's file has now.
        progress: receives a line before each restart.
        agents: the parts in which an agent checks passwords, which it reads when the part starts.

    Raises:
        ComponentError: a part did not become ready, or a file is damaged. The rotation can be continued.
        RemoteError: Kafka did not answer, or refused.
    """
    state = folder.rotation.state()
    while state is not None:
        write_kafka_users(open_users(), folder.kafka_passwords(state))
        folder.write_stage(clock())
        state = _restart_parts(folder, parts, state, progress, agents)
        following = state.next()
        if following is None:
            write_kafka_users(open_users(), {**folder.kafka_passwords(state), SECOND_MECHANISM: {}})
            folder.end_rotation(clock())
        else:
            # Before the parts' settings change: one that restarts in between finds its user.
            write_kafka_users(open_users(), folder.kafka_passwords(following))
            folder.rotation.write(following)
        state = following


def affected_parts(state: RotationState, running: Iterable[str], agents: Collection[str] = ()) -> tuple[str, ...]:
    """The parts that must restart in a stage; those with `agents` know passwords of their callers, too."""
    shows_another = state.kinds.certificates and state.stage == "use"
    affected = [name for name in running if shows_another or name not in _WITH_CERTIFICATE_ALONE]
    if state.kinds.certificates or state.stage == "use":
        return tuple(affected)
    if state.stage == "accept":
        return tuple(name for name in affected if name in _SERVERS_WITH_PASSWORDS or name in agents)
    # The broker itself learns of changed users while it runs, its agent does not.
    return tuple(name for name in affected if name != "broker" or name in agents)


def _restart_parts(
    folder: SecureFolder,
    parts: Parts,
    state: RotationState,
    progress: Callable[[str], None],
    agents: Collection[str],
) -> RotationState:
    wanted = affected_parts(state, parts.running(), agents)
    for number, name in enumerate(wanted, start=1):
        if name not in state.done:
            progress(f"{_STAGES[state.stage]}: restarting {name} ({number} of {len(wanted)})")
            parts.restart(name)
            state = state.after(name)
            folder.rotation.write(state)
    return state
