"""The certificate and the users of our Java servers on a secured platform (see `jvm/server-security`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bifrost.default_settings import SERVER_PEM
from bifrost.security.private_files import write_private
from bifrost.security.secure_folder import secure_folder
from bifrost.settings import Settings
from bifrost.supervisor.components.config_files import write_properties
from bifrost.supervisor.processes.run_as import give_folder_to


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


def give_certificate(settings: Settings, folder: Path, user: str | None) -> Path:
    """Copy key and certificates of the servers (PEM) for a database, which may run as another account.

    Args:
        folder: where to; the file belongs to `user` (`None`: our own account), and only it may read it.

    Returns:
        The file.

    Raises:
        OSError: there is no certificate, or the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SERVER_PEM
    write_private(file, secure_folder(settings).server_pem.read_bytes())
    give_folder_to(folder, user)
    return file


def _file(settings: Settings, component: str) -> Path:
    return settings.run / component / "security.properties"
