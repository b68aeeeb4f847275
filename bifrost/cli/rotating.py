"""Continues the rotation of certificates and passwords: what `secure rotate` and `up` share."""

from __future__ import annotations

from datetime import UTC, datetime

from bifrost.cli.output import Screen
from bifrost.clients.kafka_access import KafkaAccess
from bifrost.clients.supervisor import SupervisorClient
from bifrost.default_settings import JMX_PROGRAMS
from bifrost.security.roles import DEPLOYER
from bifrost.security.rotation import continue_rotation
from bifrost.security.secure_folder import SecureFolder
from bifrost.security.supervised_parts import SupervisedParts
from bifrost.settings import Settings


def continue_running_rotation(folder: SecureFolder, settings: Settings, screen: Screen) -> int | None:
    """Carry a rotation that has begun to its end.

    Returns how many restarts that took; `None` if the platform does not run.

    Raises:
        ComponentError: a part did not become ready, or a file is damaged. The rotation can be continued.
        RemoteError: Kafka did not answer, or refused.
    """
    supervisor = SupervisorClient(settings, on_wait=screen.progress)
    if not supervisor.is_running():
        # Nothing uses the old; the broker learns the passwords when it starts.
        folder.end_rotation(datetime.now(UTC))
        return None
    restarted = 0

    def progress(line: str) -> None:
        nonlocal restarted
        restarted += 1
        screen.progress(line)

    def open_users() -> KafkaAccess:
        # Not the settings of before: the rotation changes the file of the role.
        current = Settings({**settings.values, "BIFROST_ROLE": DEPLOYER}, settings.project)
        return KafkaAccess(current.kafka_client())

    with screen.working("rotating"):
        parts = SupervisedParts(supervisor)
        agents = JMX_PROGRAMS if settings.has_jmx else ()
        continue_rotation(folder, parts, open_users, lambda: datetime.now(UTC), progress, agents)
    return restarted
