"""Waiting for what a program depends on: topics that the deployer creates, schemas, servers that are starting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TypeVar

from bifrost.clients import kafka
from bifrost.errors import NotReady, Refused, Unreachable
from bifrost.settings import Settings

RETRY_INTERVAL_S = 2.0
TOPIC_LIST_TIMEOUT_S = 5.0

T = TypeVar("T")


def wait_until_ready(attempt: Callable[[], T], wait: Callable[[float], bool], log: logging.Logger) -> T | None:
    """Return the result of `attempt`, repeating it every two seconds while it raises `RemoteError`.

    Args:
        attempt: raises `NotReady`, `Unreachable` or `Refused` while something is missing.
        wait: waits this many seconds and returns whether to stop.
        log: receives one line for each new reason to wait.

    Returns:
        The result, or `None` if `wait` asked to stop first.
    """
    last_problem = ""
    while True:
        try:
            return attempt()
        except (NotReady, Unreachable, Refused) as error:
            if str(error) != last_problem:
                last_problem = str(error)
                log.info("waiting: %s", last_problem)
        if wait(RETRY_INTERVAL_S):
            return None


def require_topics(settings: Settings, topics: Collection[str]) -> None:
    """Check that all topics exist.

    Raises:
        NotReady: a topic is missing.
        Unreachable, Refused: the broker does not answer, or refuses.
    """
    missing = set(topics) - kafka.admin(settings, timeout_s=TOPIC_LIST_TIMEOUT_S).topics().keys()
    if missing:
        raise NotReady("Kafka", ", ".join(sorted(missing)), "the topics do not exist yet; deploy the pipeline")
