"""Java sources depend on each other in one direction: no circle of files, none of packages."""

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from bifrost.settings import PROJECT

JAVA = PROJECT / "jvm"
MODULES = sorted(path.parent for path in JAVA.rglob("pom.xml") if (path.parent / "src" / "main").is_dir())
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def code_of(path: Path) -> str:
    """The text of a source file without comments, strings and its package line."""
    return re.sub(r"^package .*?;", "", NOT_CODE.sub("", path.read_text(encoding="utf-8")), flags=re.MULTILINE)


def sources(module: Path) -> dict[str, Path]:
    """Files of a module by their qualified name, for example `bifrost.connect.s3.S3SinkTask`."""
    root = module / "src" / "main" / "java"
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in root.rglob("*.java")
        if path.stem != "package-info"
    }


def file_imports(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """The files of the same module that each file names: by import, or without one in its own package."""
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        code = code_of(path)
        words = set(re.findall(r"\w+", re.sub(r"^import .*?;", "", code, flags=re.MULTILINE)))
        package = name.rpartition(".")[0]
        imported = {target for target in files if re.search(rf"^import (static )?{re.escape(target)}\b", code, re.M)}
        beside = {
            target for target in files if target.rpartition(".")[0] == package and target.rpartition(".")[2] in words
        }
        found[name] = (imported | beside) - {name}
    return found


def package_imports(imports: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """The packages that each package names."""
    found: dict[str, set[str]] = {}
    for name, targets in imports.items():
        package = name.rpartition(".")[0]
        found.setdefault(package, set()).update(target.rpartition(".")[0] for target in targets)
    return {package: targets - {package} for package, targets in found.items()}


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """The names along one circle; empty if the graph has none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_circle_of_java_files_or_packages(module):
    imports = file_imports(sources(module))
    assert imports, f"{module} has no sources"
    assert circle(imports) == []
    assert circle(package_imports(imports)) == []


def test_a_circle_is_found(tmp_path):
    root = tmp_path / "src" / "main" / "java" / "a"
    root.mkdir(parents=True)
    (root / "One.java").write_text("package a;\nclass One { Two two; }\n")
    (root / "Two.java").write_text('package a;\n/** Not {@link One}. */\nclass Two { String text = "One"; }\n')
    assert circle(file_imports(sources(tmp_path))) == []
    (root / "Two.java").write_text("package a;\nclass Two { One one; }\n")
    assert set(circle(file_imports(sources(tmp_path)))) == {"a.One", "a.Two"}
