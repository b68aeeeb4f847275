"""The plugin's program proposes schemas; its answer and its errors are returned."""

from __future__ import annotations

from pathlib import Path

import pytest

from bifrost.errors import ComponentError
from bifrost.settings import PROJECT, Settings
from bifrost.supervisor.csv_schemas import propose
from bifrost.supervisor.install.install_folders import connect_plugins_folder, stack_folder

ANSWERING = """#!/bin/sh
shift 3
echo "key.schema={\\"asked\\":\\"$*\\"}"
echo 'value.schema={"a":"b=c"}'
"""
FAILING = """#!/bin/sh
echo 'WARNING: something of no interest' >&2
echo 'error: sample.csv: there is no column nosuch' >&2
exit 1
"""


def installed(folder: Path, program: str) -> Settings:
    """Settings of a place with a Java that runs a script in the plugin's place."""
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(program)
    java.chmod(0o755)
    (folder / "java" / "release").write_text('JAVA_VERSION="17.0.1"\n')
    settings = Settings({"BIFROST_CACHE": str(folder / "cache"), "JAVA_HOME": str(folder / "java")}, PROJECT)
    stack_folder(settings).mkdir(parents=True)
    connect_plugins_folder(settings).mkdir(parents=True)
    return settings


def test_the_programs_answer_is_the_schemas_by_key(tmp_path: Path) -> None:
    settings = installed(tmp_path, ANSWERING)

    found = propose(settings, Path("sample.csv"), ["a", "b"], {"csv.separator.char": "9"})

    assert found == {
        "key.schema": '{"asked":"sample.csv a b csv.separator.char=9"}',
        "value.schema": '{"a":"b=c"}',
    }


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match=r"^CSV schemas: sample\.csv: there is no column nosuch$"):
        propose(installed(tmp_path, FAILING), Path("sample.csv"), ["nosuch"], {})


def test_a_key_column_that_reads_as_a_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="the key column 'a=b' contains '='"):
        propose(installed(tmp_path, ANSWERING), Path("sample.csv"), ["a=b"], {})


def test_an_argument_that_no_program_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match=r"cannot read sample\.csv: embedded null byte"):
        propose(installed(tmp_path, ANSWERING), Path("sample.csv"), ["a\0b"], {})


def test_without_the_java_parts_it_says_what_installs_them(tmp_path: Path) -> None:
    settings = installed(tmp_path, ANSWERING)
    connect_plugins_folder(settings).rmdir()

    with pytest.raises(ComponentError, match="`up` installs them"):
        propose(settings, Path("sample.csv"), [], {})
