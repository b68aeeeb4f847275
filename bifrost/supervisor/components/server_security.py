"""The certificate and the users of our Java servers on a secured platform (see `jvm/server-security`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.components.config_files import write_properties


def options(settings: Settings, component: str) -> tuple[str, ...]:
    """The options of Java with which a server requires TLS and a login; none on a platform without security."""
    return (f"-Dbifrost.security={_file(settings, component)}",) if settings.is_secured else ()


def write(settings: Settings, component: str, api: str, readers: Sequence[str] = ()) -> None:
    """Write what a server reads at its start: its certificate, and the users that may call it.

    Args:
        api: the prefix of the settings with which the server is called.
        readers: the users that may not write, for a server that knows the difference.

    Raises:
        ComponentError: the file of passwords is missing or damaged.
    """
    if not settings.is_secured:
        return
    folder = secure_folder(settings)
    users = {
        f"user.{role}.{number}": password
        for role, accepted in folder.callers(api).items()
        for number, password in enumerate(accepted)
    }
    certificate = {"keystore": folder.server_store, "keystore.password": folder.store_password}
    limited = {"readers": ",".join(readers)} if readers else {}
    write_properties(_file(settings, component), {**certificate, **users, **limited})


def _file(settings: Settings, component: str) -> Path:
    return settings.run / component / "security.properties"
