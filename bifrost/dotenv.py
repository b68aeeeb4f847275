"""Reads files of `NAME=value` lines, and those of environments. Standard library only, as the settings."""

from __future__ import annotations

import re
from pathlib import Path

from bifrost.errors import SettingError

_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9_-]*")


def read_dotenv(path: Path) -> dict[str, str]:
    """Read the `NAME=value` lines of a file; a missing file has none.

    Removes quotes around a value, skips empty lines and lines that begin with `#`.

    Raises:
        SettingError: the file cannot be read, or a line has another form; the message holds the line's number and not
            its text, which may be a secret.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise SettingError(str(path), "is not UTF-8 text") from error
    except OSError as error:
        raise SettingError(str(path), f"cannot be read: {error.strerror}") from error
    values = {}
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise SettingError(f"{path}:{number}", "expected NAME=value")
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def environment_file(project: Path, name: str) -> Path:
    """The file with the settings of an environment."""
    return project / "environments" / f"{name}.env"


def read_environment(project: Path, name: str) -> dict[str, str]:
    """The settings in the file of an environment.

    Raises:
        SettingError: the name is malformed, or has no file, or the file cannot be read.
    """
    path = environment_file(project, name)
    if not _ENVIRONMENT.fullmatch(name):
        raise SettingError("--env", f"{name!r} is not a name of lower-case letters, digits, - and _")
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.env"))) or "none"
        raise SettingError("--env", f"{name!r} has no file {path}; known are {known}")
    return read_dotenv(path)
