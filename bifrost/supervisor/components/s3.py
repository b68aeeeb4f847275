"""The S3 store: s3proxy, which stores every object as a file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.component import Component
from bifrost.supervisor.components.config_files import write_properties
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import Stack
from bifrost.supervisor.processes import probes

NAME = "s3"

_OF_AN_OBJECT = "user.user."
"""How the extended attributes begin that the store writes to the file of an object once its bytes are complete."""
_BEING_WRITTEN = re.compile(r".+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How the store names a file until it renames it to the name of its object."""

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
        **_endpoint(settings),
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": settings.local("AWS_ACCESS_KEY_ID"),
        "s3proxy.credential": settings.local("AWS_SECRET_ACCESS_KEY"),
        "jclouds.provider": "filesystem-nio2",
        "jclouds.filesystem.basedir": settings.data / NAME,
    }


def _endpoint(settings: Settings) -> dict[str, object]:
    """Where it listens: with TLS alone on a secured platform."""
    if NAME not in settings.tls_parts:
        return {"s3proxy.endpoint": settings.local_url(NAME)}
    folder = secure_folder(settings)
    return {
        "s3proxy.secure-endpoint": settings.local_url(NAME),
        "s3proxy.keystore-path": folder.server_store,
        "s3proxy.keystore-password": folder.store_password,
    }


def _prepare(settings: Settings, properties: Path, logback: Path) -> None:
    (settings.data / NAME).mkdir(parents=True, exist_ok=True)
    remove_unfinished(settings.data / NAME)
    write_properties(properties, store_properties(settings))
    logback.write_text(_LOGBACK)


def remove_unfinished(folder: Path) -> None:
    """Remove the files of uploads that a kill of the store ended: it would list them as objects.

    The clients of these uploads got no answer and send them again. A complete object of such a name stays: it has
    attributes. Nothing is removed where the file system has no extended attributes, because all objects look alike.
    """
    if not _has_attributes(folder):
        return
    for path in folder.rglob("*"):
        if _BEING_WRITTEN.fullmatch(path.name) and path.is_file() and not _is_object(path):
            path.unlink()


def _is_object(path: Path) -> bool:
    return any(name.startswith(_OF_AN_OBJECT) for name in os.listxattr(path))


def _has_attributes(folder: Path) -> bool:
    probe = "user.bifrost.probe"
    try:
        os.setxattr(folder, probe, b"")
        os.removexattr(folder, probe)
    except OSError:
        return False
    return True
