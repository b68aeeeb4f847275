"""Watches a target: assembles its watcher, and looks again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from bifrost.alerts import read_alerts
from bifrost.clients import connect
from bifrost.clients.event_topic import EventTopic
from bifrost.default_settings import TRUST_STORE
from bifrost.deployer.live.state import Platform, open_platform
from bifrost.errors import SettingError
from bifrost.operations.action_log import action_log_of
from bifrost.operations.live_things import service_names
from bifrost.operations.needed_components import needed_by_live
from bifrost.operations.watch.answer_checks import answer_checks
from bifrost.operations.watch.connection_checks import ConnectionChecks
from bifrost.operations.watch.dead_letter_checks import DeadLetterChecks
from bifrost.operations.watch.disk_guard import DiskGuard, disk_limits
from bifrost.operations.watch.log_positions import LogPositions
from bifrost.operations.watch.platform_event import TOPIC, PlatformEvent
from bifrost.operations.watch.restart_policy import MAX_RESTARTS
from bifrost.operations.watch.retention_sweep import sweep_of
from bifrost.operations.watch.watch_state import NAME
from bifrost.operations.watch.watcher import Watcher
from bifrost.redaction import redact_text, secrets_of
from bifrost.settings import Settings
from bifrost.supervisor.components.connect import worker_environment

LOOK_S = 10.0
"""How often everything is looked at."""
LONGEST_CAUSE = 450
"""Characters of a cause in a message."""
SHORTEST_PAUSE_S = 1.0
"""Between looks that take long."""
PATIENCE_S = 3.0
"""Short: a part that does not answer must not delay the report of it, and the next look is another attempt."""


def shortened(text: str, most: int = LONGEST_CAUSE) -> str:
    """A cause with its begin and its end: Debezium puts whole structures in between."""
    return text if len(text) <= most else f"{text[: most * 2 // 3]} ... {text[-most // 3 :]}"


def watch(
    watcher: Watcher,
    wait: Callable[[float], bool],
    on_events: Callable[[Sequence[PlatformEvent]], None] = lambda _events: None,
) -> None:
    """Look again and again until `wait`, called with the seconds to the next look, returns true."""
    while True:
        began = watcher.clock.monotonic()
        on_events(watcher.look())
        if wait(max(SHORTEST_PAUSE_S, LOOK_S - (watcher.clock.monotonic() - began))):
            return


def watcher_of(settings: Settings, platform: Platform) -> Watcher:
    """The watcher of a target.

    Raises:
        SettingError: WATCH_MAX_RESTARTS, or a limit of the disk or of a retention, is not a number.
    """
    most = settings.get("WATCH_MAX_RESTARTS", str(MAX_RESTARTS))
    if not most.isdecimal() or len(most) > 4:
        raise SettingError("WATCH_MAX_RESTARTS", f"{most!r} is not a number of restarts")
    secrets = secrets_of(settings.secrets)
    is_embedded = settings.target == "embedded"
    return Watcher(
        platform=platform,
        services=service_names(settings),
        events=EventTopic(settings.kafka_client(), TOPIC),
        clock=time,
        clean=lambda text: shortened(redact_text(text, secrets)),
        needed=_needed(settings),
        max_restarts=int(most),
        own=NAME,
        state_file=settings.watch_state if is_embedded else None,
        disk=DiskGuard(settings.home, settings.disk_pause, disk_limits(settings)) if is_embedded else None,
        sweep=sweep_of(settings, platform.search, time.monotonic) if is_embedded else None,
        connections=ConnectionChecks(
            lambda: connect.from_settings(settings, patience_s=0),
            LogPositions(_worker_variables(settings), authorities=_authorities(settings)).problem_of,
        ),
        answers=answer_checks(settings) if is_embedded else None,
        dead_letters=DeadLetterChecks(platform.kafka, _own_dead_letters(settings)),
        actions=action_log_of(settings),
    )


def _worker_variables(settings: Settings) -> Mapping[str, str]:
    """What `${env:NAME}` stands for; other targets have the variables of their workers in the settings too."""
    return worker_environment(settings) if settings.target == "embedded" else settings.values


def _authorities(settings: Settings) -> Mapping[str, str]:
    """Whom the connectors of a secured platform trust at its databases, by their trust store."""
    return {str(settings.secure_folder / TRUST_STORE): str(settings.authority)} if settings.tls_parts else {}


def _own_dead_letters(settings: Settings) -> frozenset[str]:
    """The dead letters of the alerts about the platform: each report of such a letter could be the next one."""
    found = read_alerts(settings.project / "alerts", lambda _error: None)
    return frozenset(alert.dead_letter_topic for alert in found if alert.topic == TOPIC)


def _needed(settings: Settings) -> Callable[[Collection[str]], Collection[str]]:
    if settings.target != "embedded":
        return lambda _connectors: frozenset()
    return lambda connectors: needed_by_live(settings.project, frozenset(connectors))


def run(settings: Settings, wait: Callable[[float], bool]) -> None:
    """Watch the target of the settings until `wait` returns true.

    Raises:
        SettingError: a setting is missing or wrong.
    """
    with open_platform(settings, patience_s=PATIENCE_S) as platform:
        watch(watcher_of(settings, platform), wait)
