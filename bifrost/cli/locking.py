"""Keeps two commands from changing one target at the same time."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bifrost.cli.environment import program_name
from bifrost.cli.output import Screen
from bifrost.clients.http import Clock
from bifrost.deployer.live.deployment_lock import DeploymentLock, renewed
from bifrost.deployer.live.ownership import TOPIC
from bifrost.deployer.live.read_live import is_running
from bifrost.deployer.live.state import Platform
from bifrost.deployer.live.this_process import BootClock, this_deployer
from bifrost.errors import Refused
from bifrost.redaction import redact_text

Check = Callable[[], None]
"""Raises `LockLost` if somebody else deploys by now."""


@contextmanager
def deploying_alone(
    platform: Platform, screen: Screen, timeout_s: float, clock: Clock | None = None
) -> Iterator[Check]:
    """Hold the lock of this project's deployments during the block; the block calls the check before each change.

    Where Kafka refuses the lock's topic, warn and continue without a lock.

    Raises:
        LockHeld: somebody else deploys for longer than `timeout_s`.
        Unreachable: Kafka does not answer while other parts do.
    """
    log, ownership = platform.claims, platform.ownership
    if log is None or ownership is None or not is_running(platform):
        yield _no_check
        return
    deployer = this_deployer(redact_text(shlex.join([program_name(), *sys.argv[1:]])))
    lock = DeploymentLock(log, ownership.project, deployer, clock or BootClock())
    try:
        lock.acquire(timeout_s, screen.progress)
    except Refused as error:
        # Without a code of Kafka's, it is not about the topic: an untrusted certificate, for example.
        if not error.status:
            raise
        screen.warn(
            f"{error}. Without topic {TOPIC} a second deployment at the same time is not noticed, and `--prune` does "
            "not know which statements this project created. Grant read, write and create on that topic."
        )
        yield _no_check
        return
    with renewed(lock):
        yield lock.check


def _no_check() -> None:
    """There is no lock to lose."""
