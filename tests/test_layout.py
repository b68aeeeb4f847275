"""The architecture, as a test: who may import whom, and where each outside thing is allowed."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PKG = "bifrost"
EVERYWHERE = {f"{PKG}.errors", f"{PKG}.settings"}
ALERTS = {f"{PKG}.alerts", f"{PKG}.alert_template"}
ENGINE = f"{PKG}.engine"
PURE_ENGINE = {
    f"{ENGINE}.{name}"
    for name in ("schema", "metastore", "functions", "expressions", "analysis", "analyzer", "properties", "ddl")
} | {f"{ENGINE}.{name}" for name in ("environment", "plan", "planner", "offline", "serde", "sqltest", "testing")}
MAY_IMPORT = {
    f"{PKG}.errors": set(),
    f"{PKG}.settings": {f"{PKG}.errors"},
    f"{PKG}.alert_template": set(),
    f"{PKG}.alerts": {f"{PKG}.errors", f"{PKG}.alert_template"},
    f"{PKG}.sql": {f"{PKG}.errors"},
    f"{PKG}.clients": EVERYWHERE,
    f"{PKG}.dashboards": EVERYWHERE | {f"{PKG}.clients"},
    f"{PKG}.deployer": EVERYWHERE | ALERTS | {f"{PKG}.sql", f"{PKG}.clients", f"{PKG}.dashboards"} | PURE_ENGINE,
    ENGINE: EVERYWHERE | {f"{PKG}.sql", f"{PKG}.clients"},
    f"{PKG}.server": EVERYWHERE | {ENGINE, f"{PKG}.sql"},
    f"{PKG}.rest_proxy": EVERYWHERE | {f"{PKG}.clients"},
    f"{PKG}.supervisor": EVERYWHERE | {f"{PKG}.clients"},
    f"{PKG}.console": EVERYWHERE | ALERTS | {f"{PKG}.clients", f"{PKG}.dashboards", f"{PKG}.sql"},
    f"{PKG}.generators": EVERYWHERE | {f"{PKG}.clients"},
    "services": EVERYWHERE | ALERTS | {f"{PKG}.clients"},
    "capture": EVERYWHERE | {f"{PKG}.clients"},
}
ENGINE_STAGES = (
    ("schema", "metastore", "functions", "expressions", "serde", "state"),
    ("properties", "analysis", "analyzer", "plan"),
    ("ddl", "planner", "plan_json"),
    ("offline", "topology"),
    ("testing", "sqltest", "runtime"),
    ("queries",),
    ("engine",),
)
"""A stage imports its own row and the rows above it."""
ONLY_IN = {
    "confluent_kafka": (f"{PKG}/clients/", f"{PKG}/engine/runtime/"),
    "subprocess": (f"{PKG}/supervisor/",),
    "requests": (f"{PKG}/clients/",),
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources() -> list[Path]:
    return sorted(path for top in (PKG, "services", "capture") for path in (ROOT / top).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def within(name: str, units: set[str]) -> bool:
    return any(name == unit or name.startswith(unit + ".") for unit in units)


def unit_of(name: str) -> str | None:
    return next((unit for unit in MAY_IMPORT if name == unit or name.startswith(unit + ".")), None)


def stage_of(name: str) -> int | None:
    part = name.removeprefix(ENGINE + ".").split(".")[0]
    return next((index for index, row in enumerate(ENGINE_STAGES) if part in row), None)


def test_every_unit_imports_only_what_it_may() -> None:
    wrong = []
    for path in sources():
        me = unit_of(module_of(path))
        for name in imports(path):
            other = unit_of(name)
            if me and other and other != me and not within(name, MAY_IMPORT[me]):
                wrong.append(f"{path.relative_to(ROOT)}: {me} may not import {name}")
    assert wrong == []


def test_the_stages_of_the_engine_import_from_left_to_right() -> None:
    wrong = []
    for path in sources():
        me = module_of(path)
        stage = stage_of(me) if me.startswith(ENGINE + ".") else None
        for name in imports(path):
            other = stage_of(name) if name.startswith(ENGINE + ".") else None
            if stage is not None and other is not None and other > stage:
                wrong.append(f"{path.relative_to(ROOT)} may not import {name}")
    assert wrong == []


def test_each_outside_thing_has_one_door() -> None:
    wrong = []
    for path in sources():
        relative = path.relative_to(ROOT).as_posix()
        for name in imports(path):
            homes = ONLY_IN.get(name.split(".")[0])
            if homes is not None and not relative.startswith(homes):
                wrong.append(f"{relative}: {name} belongs in {', '.join(homes)}")
    assert wrong == []


def test_only_settings_reads_the_environment() -> None:
    readers = [path for path in sources() if "os.environ" in path.read_text() or "os.getenv" in path.read_text()]
    assert [path.relative_to(ROOT).as_posix() for path in readers] == [f"{PKG}/settings.py"]


def test_no_module_is_named_after_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "base", "manager", "handler", "misc"}
    assert [path for path in sources() if path.stem in empty] == []
