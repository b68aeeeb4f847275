"""Proposes schemas for a CSV file, with the program of the CSV source plugin that reads files as the connector does."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install.install_folders import connect_plugins_folder, jvm_parts_installed
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.install.jvm_stack import stack_of

NAME = "CSV schemas"
_PROGRAM = "bifrost.connect.spooldir.SchemaPrinter"
_TIMEOUT_S = 60.0


def propose(settings: Settings, file: Path, key: Sequence[str], format_keys: Mapping[str, str]) -> dict[str, str]:
    """Return the schemas under their configuration keys: `value.schema`, and `key.schema` if there is a key.

    Args:
        key: the columns that make up the key.
        format_keys: the connector's settings for the file's format, such as `csv.separator.char`.

    Raises:
        ComponentError: the Java parts are not installed, or the file cannot be read in this format.
    """
    java = find_java(settings)
    if java is None or not jvm_parts_installed(settings):
        raise ComponentError(NAME, "the Java parts are not installed yet; `up` installs them")
    plugin = connect_plugins_folder(settings) / "spooldir-csv-source"
    classpath = f"{plugin}/*:{stack_of(settings).kafka_classpath}"
    for column in key:
        if "=" in column:
            problem = f"the key column {column!r} contains '='; rename it in the file"
            raise ComponentError(NAME, problem)
    words = (*key, *(f"{name}={value}" for name, value in format_keys.items()))
    command = (java.program, "-cp", classpath, _PROGRAM, str(file), *words)
    try:
        done = subprocess.run(command, env=settings.values, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ComponentError(NAME, f"cannot read {file}: {error}") from error
    if done.returncode:
        raise ComponentError(NAME, done.stderr.strip().rpartition("error: ")[2] or f"exit code {done.returncode}")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())
