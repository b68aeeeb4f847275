"""Schemas for a CSV file, proposed by the program of the CSV source plugin, which reads it as the connector would."""

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
_LONGEST_S = 60.0


def propose(settings: Settings, file: Path, key: Sequence[str], format_keys: Mapping[str, str]) -> dict[str, str]:
    """The schemas as a connector's configuration has them: `value.schema`, with a key also `key.schema`.

    Args:
        key: the columns that make up the key.
        format_keys: the connector's keys that say how the file is written, such as `csv.separator.char`.

    Raises:
        ComponentError: the Java parts are not there yet, or the file cannot be read so.
    """
    java = find_java(settings)
    if java is None or not jvm_parts_installed(settings):
        raise ComponentError(NAME, "the Java parts are not installed yet; `up` installs them")
    plugin = connect_plugins_folder(settings) / "spooldir-csv-source"
    classpath = f"{plugin}/*:{stack_of(settings).kafka_classpath}"
    words = (*key, *(f"{name}={value}" for name, value in format_keys.items()))
    command = (java.program, "-cp", classpath, _PROGRAM, str(file), *words)
    done = subprocess.run(command, env=settings.values, capture_output=True, text=True, timeout=_LONGEST_S)
    if done.returncode:
        raise ComponentError(NAME, done.stderr.strip().rpartition("error: ")[2] or f"exit code {done.returncode}")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())
