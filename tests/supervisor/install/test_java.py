"""Which Java is taken."""

from pathlib import Path

import pytest

from bifrost.settings import Settings
from bifrost.supervisor.install.java import Java, find_java


def jdk(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


def settings(**values: str) -> Settings:
    return Settings({"PATH": "/nowhere", **values})


@pytest.mark.parametrize(("version", "found"), [("17.0.15", 17), ("21", 21), ("25.0.1", 25)])
def test_the_feature_release_is_read(tmp_path, version, found):
    jdk(tmp_path / "jvm" / "one", version)
    java = find_java(settings(), folder=tmp_path / "jvm")
    assert java is not None
    assert java.version == found
    assert java.program == str(tmp_path / "jvm" / "one" / "bin" / "java")


def test_the_newest_suitable_one_is_taken(tmp_path):
    for name, version in (("a", "11.0.2"), ("b", "17.0.1"), ("c", "21.0.4"), ("d", "99")):
        jdk(tmp_path / "jvm" / name, version)
    java = find_java(settings(), folder=tmp_path / "jvm")
    assert java is not None
    assert java.version == 21


def test_java_home_holds_if_it_suits(tmp_path):
    jdk(tmp_path / "jvm" / "new", "21.0.4")
    old = jdk(tmp_path / "chosen", "17.0.1")
    java = find_java(settings(JAVA_HOME=str(old)), folder=tmp_path / "jvm")
    assert java is not None
    assert java.home == old
    too_old = jdk(tmp_path / "eleven", "11.0.2")
    java = find_java(settings(JAVA_HOME=str(too_old)), folder=tmp_path / "jvm")
    assert java is not None
    assert java.version == 21


def test_the_path_is_looked_through(tmp_path):
    home = jdk(tmp_path / "elsewhere", "1.8.0_392")
    assert find_java(settings(PATH=str(home / "bin")), folder=tmp_path / "jvm") is None
    home = jdk(tmp_path / "there", "17.0.2")
    java = find_java(settings(PATH=str(home / "bin")), folder=tmp_path / "jvm")
    assert java is not None
    assert java.version == 17


def test_a_compiler_can_be_required(tmp_path):
    jdk(tmp_path / "jvm" / "runtime", "21.0.4")
    kit = jdk(tmp_path / "jvm" / "kit", "17.0.1")
    (kit / "bin" / "javac").touch()
    found = find_java(settings(), folder=tmp_path / "jvm", compiler=True)
    assert found is not None
    assert found.home == kit


@pytest.mark.parametrize(
    ("version", "first", "second"),
    [
        (17, "-XX:ArchiveClassesAtExit={}", "-XX:SharedArchiveFile={}"),
        (25, "-XX:SharedArchiveFile={}", "-XX:SharedArchiveFile={}"),
    ],
)
def test_a_program_finds_its_classes_again(tmp_path, version, first, second):
    java = Java(tmp_path, version)
    archive = tmp_path / f"search-java{version}.jsa"
    assert java.shared_classes(tmp_path, "search")[-1] == first.format(archive)
    archive.touch()
    assert java.shared_classes(tmp_path, "search")[-1] == second.format(archive)


def test_a_program_that_has_still_to_write_its_archive_gets_more_time_to_stop(tmp_path):
    java = Java(tmp_path, 21)
    assert java.grace_s(tmp_path, "search", 30) == 60
    (tmp_path / "search-java21.jsa").touch()
    assert java.grace_s(tmp_path, "search", 30) == 30


def test_a_program_uses_the_archive_of_another_one(tmp_path):
    java, archive = Java(tmp_path, 25), tmp_path / "broker-java25.jsa"
    assert java.classes_shared_by(tmp_path, "broker") == ()
    archive.touch()
    assert java.classes_shared_by(tmp_path, "broker") == ("-Xlog:cds=off", f"-XX:SharedArchiveFile={archive}")
