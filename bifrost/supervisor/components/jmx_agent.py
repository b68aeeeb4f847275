"""The agent that serves the figures of a Java program (JMX) for Prometheus."""

from __future__ import annotations

from bifrost.default_settings import LOOPBACK
from bifrost.settings import Settings
from bifrost.supervisor.install.install_folders import jmx_exporter_folder

_JAR = "jmx_prometheus_javaagent.jar"


def jmx_agent(settings: Settings, name: str) -> tuple[str, ...]:
    """The option that loads the agent into `broker` or `connect`; none without BIFROST_JMX.

    What it serves is in `dashboards/platform/jmx/<name>.yml`.
    """
    if not settings.has_jmx:
        return ()
    rules = settings.project / "dashboards" / "platform" / "jmx" / f"{name}.yml"
    place = f"{LOOPBACK}:{settings.port(f'jmx_{name}')}"
    return (f"-javaagent:{jmx_exporter_folder(settings) / _JAR}={place}:{rules}",)
