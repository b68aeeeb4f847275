"""The tables of keys in docs/connect-plugins.md match the plugins' sources; the plugins' own tests pass."""

import re
import subprocess
from pathlib import Path

import pytest

from bifrost import settings as project_settings
from bifrost.settings import PROJECT
from bifrost.supervisor.install.java import find_java

JAVA = PROJECT / "jvm"
SOURCES = JAVA / "connect-plugins"
PAGE = (PROJECT / "docs" / "connect-plugins.md").read_text(encoding="utf-8")
CONFIGS = {
    "Elasticsearch sink": "elasticsearch-sink/src/main/java/bifrost/connect/elasticsearch/ElasticsearchSinkConfig.java",
    "S3 sink": "s3-sink/src/main/java/bifrost/connect/s3/config/S3Keys.java",
    "CSV source": "spooldir-csv-source/src/main/java/bifrost/connect/spooldir/SpoolDirKeys.java",
    "JDBC source": "jdbc-source/src/main/java/bifrost/connect/jdbc/config/JdbcSourceKeys.java",
    "Syslog sources": "syslog-source/src/main/java/bifrost/connect/syslog/SyslogConfig.java",
}
JAVA_TESTS = {path.stem: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*Test.java")}


def rows(section: str) -> dict[str, tuple[str, str]]:
    """The support and the test of each key in a table of the page."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {key: (support, test) for key, support, test in re.findall(r"^\| `(.+?)` \| (.+) \| `(.+)` \|$", text, re.M)}


def keys_in(config: str) -> dict[str, str]:
    """How a Java source defines each key: `yes`, `accepted` or `only`."""
    constants = dict(re.findall(r'static final String (\w+) =\s*"(.*?)";', config))
    calls = re.findall(r'\.(required|optional|withoutEffect|only)\(\s*("?)([\w.]+)\2,', config)
    meaning = {"required": "yes", "optional": "yes", "withoutEffect": "accepted", "only": "only"}
    return {name if quote else constants[name]: meaning[call] for call, quote, name in calls}


@pytest.mark.parametrize("section", CONFIGS)
def test_the_table_has_exactly_the_keys_that_the_plugin_defines(section):
    defined = keys_in((SOURCES / CONFIGS[section]).read_text(encoding="utf-8"))
    assert {key: re.split(r"[, ]", support)[0] for key, (support, _) in rows(section).items()} == defined


@pytest.mark.parametrize(
    ("section", "key"), [(section, key) for section in CONFIGS for key in rows(section)], ids=lambda value: str(value)
)
def test_every_key_has_a_test(section, key):
    _, test = rows(section)[key]
    name, method = test.split(".")
    assert f"void {method}(" in JAVA_TESTS[name]
    if rows(section)[key][0] == "yes":
        assert f'"{key}"' in JAVA_TESTS[name] or f'"{key}"' in harness_beside(name)


def harness_beside(name: str) -> str:
    """The source of the test harness in the folder of a Java test."""
    folder: Path = next(SOURCES.rglob(f"{name}.java")).parent
    return "".join(path.read_text(encoding="utf-8") for path in folder.glob("*Harness.java"))


@pytest.mark.live
@pytest.mark.parametrize(
    ("pom", "properties", "modules"),
    [
        ("connect-plugins/pom.xml", {"build.root": "{tmp}"}, ()),
        (
            "stack/pom.xml",
            {"stack.dist": "{tmp}", "maven.test.skip": "false"},
            ("--projects", "../server-security,../mongo,../registry"),
        ),
        ("broker-fix/pom.xml", {"stack.dist": "{tmp}", "maven.test.skip": "false"}, ()),
    ],
)
def test_the_java_programs_own_tests_pass(tmp_path, pom, properties, modules):
    settings = project_settings.load()
    java = find_java(settings, compiler=True)
    assert java is not None
    options = [f"-D{name}={value.format(tmp=tmp_path)}" for name, value in properties.items()]
    command = (
        "mvn",
        "--batch-mode",
        "--quiet",
        "-Dstyle.color=never",
        *options,
        *modules,
        "-f",
        str(JAVA / pom),
        "package",
    )
    environment = {**settings.values, "JAVA_HOME": str(java.home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-20_000:]
