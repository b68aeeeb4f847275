"""The S3 store: s3proxy, which stores every object as a file."""

from __future__ import annotations

from pathlib import Path

from bifrost.settings import LOOPBACK, Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components.config_files import write_properties
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "s3"

_LOGBACK = """\
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{yyyy-MM-dd HH:mm:ss.SSS} %p [%t] %m \\(%logger\\)%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT"/></root>
</configuration>
"""


def component(settings: Settings, java: Java, stack: Stack) -> Component:
    """The store; the object `k` of bucket `b` is the file `<data>/s3/b/k`."""
    properties = settings.run / NAME / "s3proxy.properties"
    logback = properties.with_name("logback.xml")
    memory = ("-Xms32m", "-Xmx256m", "-XX:+UseSerialGC")
    main = "org.gaul.s3proxy.Main"
    return Component(
        name=NAME,
        command=(
            java.program,
            *memory,
            *java.shared_classes(stack.root, NAME),
            f"-Dlogback.configurationFile={logback}",
            "-cp",
            stack.s3_classpath,
            main,
            "--properties",
            str(properties),
        ),
        env=settings.values,
        prepare=lambda: _prepare(settings, properties, logback),
        probe=probes.tcp(settings.port(NAME)),
        grace_s=java.grace_s(stack.root, NAME, 20),
    )


def store_properties(settings: Settings) -> dict[str, object]:
    """The store's configuration: requests signed by one account, on the loopback."""
    return {
        "s3proxy.endpoint": f"http://{LOOPBACK}:{settings.port(NAME)}",
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": settings.local("AWS_ACCESS_KEY_ID"),
        "s3proxy.credential": settings.local("AWS_SECRET_ACCESS_KEY"),
        "jclouds.provider": "filesystem-nio2",
        "jclouds.filesystem.basedir": settings.data / NAME,
    }


def _prepare(settings: Settings, properties: Path, logback: Path) -> None:
    (settings.data / NAME).mkdir(parents=True, exist_ok=True)
    write_properties(properties, store_properties(settings))
    logback.write_text(_LOGBACK)
