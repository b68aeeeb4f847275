"""The JVM stack's installation, with programs in Maven's and Java's place."""

import os
import time
from pathlib import Path

import pytest

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.install import connect_plugins, jvm_stack
from bifrost.supervisor.install.install_folders import jvm_parts_installed, stack_folder
from bifrost.supervisor.install.java import Java
from bifrost.supervisor.install.jvm_stack import install

MAVEN = """#!/bin/sh
echo called >> "$(dirname "$0")/calls"
for argument; do case "$argument" in
  -Dstack.dist=*) dist="${argument#*=}"; mkdir -p "$dist/kafka" "$dist/plugins/one" "$dist/registry";;
  -Dplugins.dist=*) dist="${argument#*=}"; mkdir -p "$dist/some-sink";;
  -Dbuild.root=*) mkdir -p "${argument#*=}/some-sink";;
esac; done
echo "Downloaded from central: https://example.org/kafka.jar (1 MB at 1 MB/s)"
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path) -> Settings:
    """A project with poms, and a `mvn` and a `java` that do what they should."""
    program(tmp_path / "bin" / "mvn", MAVEN)
    for name in ("java", "javac"):
        program(tmp_path / "jdk" / "bin" / name, "#!/bin/sh\nexit 0\n")
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="17.0.1"\n')
    stack_sources = tmp_path / "project" / "jvm" / "stack"
    stack_sources.mkdir(parents=True)
    (stack_sources / "pom.xml").write_text("<project/>")
    plugin = tmp_path / "project" / "jvm" / "connect-plugins" / "some-sink" / "src"
    for folder in ("main", "test"):
        (plugin / folder).mkdir(parents=True)
        (plugin / folder / "Sink.java").write_text("class Sink {}")
    values = {
        "BIFROST_HOME": str(tmp_path / "home"),
        "JAVA_HOME": str(tmp_path / "jdk"),
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
    }
    return Settings(values, tmp_path / "project")


def java(home: Settings) -> Java:
    return Java(home.project.parent / "jdk", 17)


def calls(home: Settings) -> int:
    return len((home.project.parent / "bin" / "calls").read_text().splitlines())


def test_it_is_fetched_once(home):
    reported: list[str] = []
    stack = install(home, java(home), reported.append)
    assert (stack.plugins / "one").is_dir()
    assert reported[0].startswith("JVM stack: downloading")
    assert reported[-1].startswith("JVM stack: done in")
    assert install(home, java(home), reported.append) == stack
    assert calls(home) == 1


def test_another_pom_is_another_stack(home):
    first = install(home, java(home), print)
    (home.project / "jvm" / "stack" / "pom.xml").write_text("<project><!-- newer --></project>")
    assert not jvm_parts_installed(home)
    assert install(home, java(home), print) != first


def test_a_failed_fetch_says_why_and_leaves_nothing(home):
    failing = f"{MAVEN}echo '[ERROR] Could not resolve kafka.jar'\nexit 1\n"
    program(home.project.parent / "bin" / "mvn", failing)
    with pytest.raises(ComponentError, match="JVM stack: Maven failed: Could not resolve kafka") as failure:
        install(home, java(home), print)
    assert failure.value.log == home.logs / "stack.log"
    assert list(home.cache.iterdir()) == []


def test_without_manifests_it_does_not_count_as_installed(home):
    program(home.project.parent / "jdk" / "bin" / "java", "#!/bin/sh\nexit 1\n")
    with pytest.raises(ComponentError, match="Kafka's tool could not list the Connect plugins"):
        install(home, java(home), print)
    assert not stack_folder(home).exists()


def test_a_tool_that_does_not_end_is_an_error_that_says_what_to_do(home, monkeypatch):
    monkeypatch.setattr(jvm_stack, "_MANIFESTS_S", 0.05)
    program(home.project.parent / "jdk" / "bin" / "java", "#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(ComponentError, match=r"within 0.05 s; run the command again"):
        install(home, java(home), print)
    assert not stack_folder(home).exists()


def test_the_cache_can_be_shared_between_homes(home, tmp_path):
    shared = home.with_values(BIFROST_CACHE=str(tmp_path / "shared"))
    assert install(shared, java(shared), print).root.parent == tmp_path / "shared"


def test_what_an_interrupted_fetch_left_is_removed(home):
    left = stack_folder(home).with_name(f"{stack_folder(home).name}.999999999")
    left.mkdir(parents=True)
    install(home, java(home), print)
    assert not left.exists()


def test_the_connect_plugins_are_built_once_per_version_of_their_sources(home):
    folder = connect_plugins.install(home, print)
    assert [plugin.name for plugin in folder.iterdir()] == ["some-sink"]
    assert connect_plugins.install(home, print) == folder
    sources = home.project / "jvm" / "connect-plugins" / "some-sink" / "src"
    (sources / "test" / "Sink.java").write_text("class SinkTest {}")
    assert connect_plugins.install(home, print) == folder
    assert calls(home) == 1
    (sources / "main" / "Sink.java").write_text("final class Sink {}")
    assert connect_plugins.install(home, print) != folder
    assert calls(home) == 2


def test_unused_builds_are_removed(home):
    cache = home.cache
    names = ("stack-0123456789ab", "stack-ba9876543210", "connect-plugins-0123456789ab")
    ages_days = (31, 29, 31)
    for name, days in zip(names, ages_days, strict=True):
        (cache / name).mkdir(parents=True)
        past = time.time() - days * 86_400
        os.utime(cache / name, (past, past))

    stack = install(home, java(home), print)

    assert {folder.name for folder in cache.iterdir()} == {stack.root.name, *names[1:]}


def test_a_build_in_use_stays(home):
    stack = install(home, java(home), print)
    os.utime(stack.root, (0, 0))
    install(home, java(home), print)
    (home.project / "jvm" / "stack" / "pom.xml").write_text("<project><!-- newer --></project>")
    newer = install(home, java(home), print)

    assert stack.root.is_dir() and newer.root.is_dir() and stack.root != newer.root


def test_it_is_installed_when_both_are_there(home):
    install(home, java(home), print)
    assert not jvm_parts_installed(home)
    connect_plugins.install(home, print)
    assert jvm_parts_installed(home)
