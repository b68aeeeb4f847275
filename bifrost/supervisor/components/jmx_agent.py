"""The agent that serves the figures of a Java program (JMX) for Prometheus (see `jvm/jmx-exporter`)."""

from __future__ import annotations

from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings
from bifrost.supervisor.components import server_security
from bifrost.supervisor.install.install_folders import jmx_exporter_folder

_JAR = "figures-agent.jar"


def options(settings: Settings, name: str) -> tuple[str, ...]:
    """The options that load the agent into `broker` or `connect`; none without BIFROST_JMX.

    What it serves is in `dashboards/platform/jmx/<name>.yml`. On a secured platform, it requires TLS and a login.
    """
    if not settings.has_jmx:
        return ()
    rules = settings.project / "dashboards" / "platform" / "jmx" / f"{name}.yml"
    place = f"{LOOPBACK}:{settings.port(f'jmx_{name}')}"
    agent = f"-javaagent:{jmx_exporter_folder(settings) / _JAR}={place}:{rules}"
    return (*server_security.options(settings, name), agent)


def prepare(settings: Settings, name: str) -> None:
    """Write what the agent reads at its start on a secured platform: its certificate, and who may read the figures.

    Raises:
        ComponentError: the file of passwords is missing or damaged.
    """
    if settings.has_jmx:
        server_security.write(settings, name, "METRICS")
