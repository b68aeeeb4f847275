"""The architecture, as a test: who may import whom, and where each outside thing is allowed."""

import ast
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PKG = "bifrost"
EVERYWHERE = {"errors", "default_settings", "settings", "backoff", "redaction"}
PROGRAMS = EVERYWHERE | {"program_log", "metrics"}
"""What the units may import that are programs."""
ALERTS = {"alerts", "alert_template"}
ENGINE = "engine"
OFFLINE_CHECK = {
    f"{ENGINE}.{name}"
    for name in ("catalog", "plan", "analysis", "planner", "expressions", "functions", "serde", "testing")
}
"""The part of the engine that needs no broker: it checks types offline."""
MAY_IMPORT: dict[str, set[str]] = {
    "backoff": set(),
    "redaction": set(),
    "errors": set(),
    "dotenv": {"errors"},
    "endpoints": set(),
    "role_credentials": set(),
    "default_settings": set(),
    "settings": {"errors", "default_settings", "dotenv", "endpoints", "role_credentials"},
    "security": {"errors", "default_settings", "settings", "clients"},
    "alert_template": set(),
    "alerts": {"errors", "alert_template"},
    "program_log": {"errors", "redaction", "settings"},
    "metrics": EVERYWHERE | {"web"},
    "sql": {"errors"},
    "clients": EVERYWHERE,
    "dashboards": EVERYWHERE | {"clients"},
    f"{ENGINE}.state": {"errors", "sql"},
    f"{ENGINE}.functions": {"errors", "sql"},
    f"{ENGINE}.catalog": {"errors", "sql"},
    f"{ENGINE}.expressions": {"errors", "sql", f"{ENGINE}.functions"},
    f"{ENGINE}.serde": {"errors", "sql", f"{ENGINE}.catalog", f"{ENGINE}.functions"},
    f"{ENGINE}.plan": {"errors", "sql", f"{ENGINE}.catalog"},
    f"{ENGINE}.analysis": {"errors", "sql", f"{ENGINE}.catalog", f"{ENGINE}.functions"},
    f"{ENGINE}.planner": {
        "errors",
        "sql",
        *(f"{ENGINE}.{name}" for name in ("catalog", "plan", "analysis", "expressions", "functions", "serde", "state")),
    },
    f"{ENGINE}.topology": {
        "errors",
        "sql",
        *(f"{ENGINE}.{name}" for name in ("catalog", "plan", "expressions", "functions", "serde", "state")),
    },
    f"{ENGINE}.runtime": EVERYWHERE
    | {
        "clients",
        "sql",
        *(f"{ENGINE}.{name}" for name in ("catalog", "plan", "functions", "serde", "state", "topology")),
    },
    f"{ENGINE}.queries": EVERYWHERE
    | {"clients", "sql", f"{ENGINE}.topology", f"{ENGINE}.runtime", f"{ENGINE}.state", f"{ENGINE}.planner"}
    | {f"{ENGINE}.{name}" for name in ("catalog", "plan", "expressions", "functions", "serde")},
    f"{ENGINE}.workers": {"errors", "backoff"}
    | {f"{ENGINE}.{name}" for name in ("catalog", "plan", "queries", "runtime", "serde", "state", "topology")},
    f"{ENGINE}.testing": {"errors", "settings", "sql", f"{ENGINE}.topology", f"{ENGINE}.state", f"{ENGINE}.queries"}
    | OFFLINE_CHECK,
    f"{ENGINE}.statements": EVERYWHERE
    | {"clients", "sql", f"{ENGINE}.topology", f"{ENGINE}.runtime", f"{ENGINE}.queries", f"{ENGINE}.planner"}
    | {f"{ENGINE}.{name}" for name in ("catalog", "plan", "analysis", "functions", "serde")},
    f"{ENGINE}.wiring": EVERYWHERE
    | {
        "clients",
        "sql",
        *(
            f"{ENGINE}.{name}"
            for name in ("functions", "queries", "runtime", "serde", "state", "statements", "workers")
        ),
    },
    f"{ENGINE}.engine": EVERYWHERE
    | {"clients", "sql", *(f"{ENGINE}.{name}" for name in ("catalog", "planner", "queries", "runtime", "statements"))},
    "deployer": EVERYWHERE | ALERTS | {"sql", "clients", "dashboards", "security"} | OFFLINE_CHECK,
    "operations": EVERYWHERE | ALERTS | {"clients", "metrics", "deployer", "sql", "supervisor", f"{ENGINE}.serde"},
    "server": PROGRAMS | {"security", ENGINE, "sql", "web"},
    "rest_proxy": PROGRAMS | {"security", "clients", "web"},
    "supervisor": PROGRAMS | {"clients", "security"},
    "console": PROGRAMS | ALERTS | {"security", "clients", "dashboards", "deployer", "operations", "sql", "web"},
    "web": EVERYWHERE,
    "generators": PROGRAMS | {"clients"},
    "services": PROGRAMS | ALERTS | {"clients", "operations"},
    "capture": PROGRAMS | {"clients"},
    "cli": EVERYWHERE
    | ALERTS
    | {
        "clients",
        "dashboards",
        "deployer",
        "operations",
        "generators",
        "security",
        "sql",
        "supervisor",
        "capture",
        ENGINE,
    },
}
"""Each unit and the units that it may import: a folder or file of `bifrost/` or of `bifrost/engine/`, or a program."""
ONLY_IN = {
    "confluent_kafka": (f"{PKG}/clients/", f"{PKG}/engine/runtime/", f"{PKG}/rest_proxy/"),
    # The supervisor starts the parts of the platform; the engine starts its worker processes, which are no part: they
    # are alike, end with the server and are known to it alone.
    "subprocess": (f"{PKG}/supervisor/", f"{PKG}/engine/workers/"),
    "requests": (f"{PKG}/clients/",),
    "cryptography": (f"{PKG}/security/",),
    "lmdb": (f"{PKG}/engine/state/disk/",),
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def sources() -> tuple[Path, ...]:
    return tuple(sorted(path for top in (PKG, "services", "capture") for path in (ROOT / top).rglob("*.py")))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def unit_of(module: str) -> str | None:
    """The unit that a module of the project belongs to; None for other people's modules and for the packages' roots."""
    parts = module.split(".")
    if parts[0] in ("services", "capture"):
        return parts[0]
    if parts[0] != PKG or len(parts) == 1 or parts[1] == "__version__":
        return None
    if parts[1] != ENGINE:
        return parts[1]
    return ".".join(parts[1:3]) if len(parts) > 2 else None


def test_every_unit_has_a_row() -> None:
    units = {unit_of(module_of(path)) for path in sources()} - {None}
    assert units <= set(MAY_IMPORT), "add the unit to MAY_IMPORT and to the table of ARCHITECTURE.md"


def test_every_unit_imports_only_what_it_may() -> None:
    wrong = []
    for path in sources():
        unit = unit_of(module_of(path))
        for name in imports(path):
            other = unit_of(name)
            allowed = unit is None or other in (None, unit) or bool({other, other.split(".")[0]} & MAY_IMPORT[unit])
            if not allowed:
                wrong.append(f"{path.relative_to(ROOT)}: {unit} may not import {name}")
    assert wrong == []


def test_the_table_has_no_circle() -> None:
    rows = {unit: {other for other in row if other in MAY_IMPORT and other != unit} for unit, row in MAY_IMPORT.items()}
    while ready := {unit for unit, row in rows.items() if not row & rows.keys()}:
        rows = {unit: row for unit, row in rows.items() if unit not in ready}
    assert rows == {}


def test_no_files_import_each_other_in_a_circle() -> None:
    modules = {module_of(path): path for path in sources()}
    rows = {
        name: {found for imported in imports(path) if (found := imported_file(imported, modules)) and found != name}
        for name, path in modules.items()
    }
    while ready := {name for name, row in rows.items() if not row & rows.keys()}:
        rows = {name: row for name, row in rows.items() if name not in ready}
    assert rows == {}, "imports for types alone (TYPE_CHECKING) count, too"


def imported_file(name: str, modules: Container[str]) -> str | None:
    """The module that an import names, or of which it names a part; None for other people's modules."""
    return next((found for found in (name, name.rpartition(".")[0]) if found in modules), None)


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
