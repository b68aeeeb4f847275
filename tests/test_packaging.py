"""The package: version, metadata, lock files, and which files a wheel contains."""

import re
import tomllib
from fnmatch import fnmatch

import pytest

import bifrost
from bifrost.errors import SettingError
from bifrost.settings import PROJECT, load

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
METADATA = PYPROJECT["project"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: str) -> dict[str, str]:
    """Version by package of a lock file."""
    return {normalized(name): version for name, version, _ in PIN.findall((PROJECT / file).read_text())}


def declared(requirements: list[str]) -> dict[str, str]:
    pins = (re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?==(\S+)", text) for text in requirements)
    return {normalized(pin[1]): pin[2] for pin in pins if pin}


def test_the_version_is_that_of_the_metadata() -> None:
    assert bifrost.__version__ == METADATA["version"]


def test_every_declared_dependency_is_pinned() -> None:
    requirements = [*METADATA["dependencies"], *METADATA["optional-dependencies"]["dev"]]
    assert len(declared(requirements)) == len(requirements)


def test_the_lock_files_hold_the_declared_versions() -> None:
    run, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert declared(METADATA["dependencies"]).items() <= run.items()
    assert declared(METADATA["optional-dependencies"]["dev"]).items() <= dev.items()
    assert run.items() <= dev.items()


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_line_of_a_lock_file_is_a_pin_with_hashes(file: str) -> None:
    text = "".join(line for line in (PROJECT / file).read_text().splitlines(keepends=True) if not line.startswith("#"))
    assert PIN.sub("", text) == ""


def test_a_wheel_contains_every_file_of_the_packages() -> None:
    """Setuptools finds a package by its `__init__.py`, and other files by the patterns of pyproject.toml."""
    folders = [name.removesuffix("*") for name in PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = (path for folder in folders for path in (PROJECT / folder).rglob("*") if path.is_file())
    left_out = []
    for path in files:
        if path.parent.name == "__pycache__":
            continue
        package = next(folder for folder in path.parents if (folder / "__init__.py").exists())
        inside = path.relative_to(package).as_posix()
        if path.suffix == ".py":
            if path.parent != package:
                left_out.append(path)
        elif not any(fnmatch(inside, pattern) for pattern in patterns):
            left_out.append(path)
    assert left_out == []


def test_outside_of_a_project_an_installed_package_names_the_remedy(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bifrost.settings.PROJECT", tmp_path)
    with pytest.raises(SettingError, match="is not a Bifrost project: run the command in a checkout"):
        load(tmp_path)
