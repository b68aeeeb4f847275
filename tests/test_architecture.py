"""ARCHITECTURE.md beside the code: its map lists every module, its glossary explains every name that is used twice."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layout import MAY_IMPORT, ROOT, module_of, parsed, sources, unit_of

PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- map: pytest tests/test_architecture.py --update-golden -->", "<!-- end of the map -->"
MANY_FILES = 10


def packages() -> dict[str, list[Path]]:
    """The modules of each folder, by its path."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sources():
        if path.name not in ("__init__.py", "__main__.py"):
            found[path.parent.relative_to(ROOT).as_posix()].append(path)
    return dict(sorted(found.items()))


def summary(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(parsed(path)) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|").rstrip(".")


def code_map() -> str:
    lines = []
    for folder, paths in packages().items():
        init = ROOT / folder / "__init__.py"
        about = summary(init) if init.exists() else ""
        lines += [f"### `{folder}/`", "", *([f"{about}.", ""] if about else []), "| file | holds |", "|---|---|"]
        lines += [f"| `{path.name}` | {summary(path)} |" for path in paths]
        lines.append("")
    return "\n".join(lines)


def public_classes() -> Iterator[tuple[str, str]]:
    """Name and unit of every public class."""
    for path in sources():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, str(unit_of(module_of(path)))


def glossary() -> set[str]:
    """The names that the glossary's table of names in several places explains."""
    section = PAGE.read_text(encoding="utf-8").partition("### Names in several places")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", section, flags=re.M))


def test_the_map_lists_every_module_with_its_first_sentence(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, "ARCHITECTURE.md has no map"
    wanted = f"{before}{BEGIN}\n\n{code_map()}\n{END}{after}"
    if request.config.getoption("--update-golden"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "the map is out of date; see --update-golden"


def test_every_module_says_what_it_holds() -> None:
    assert [str(path.relative_to(ROOT)) for paths in packages().values() for path in paths if not summary(path)] == []


def test_the_table_of_units_has_a_row_for_each() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [unit for unit in MAY_IMPORT if f"`{unit}`" not in text] == []


def test_every_file_that_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    names = re.findall(r"`((?:bifrost|services|capture|tests|docs|scripts|jvm)/[\w./-]*)`", text)
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_a_package_of_many_files_has_a_picture() -> None:
    text = PAGE.read_text(encoding="utf-8")
    pictures = {heading for heading in re.findall(r"^#### `([\w/]+)/`\n\n```mermaid", text, flags=re.M)}
    counts: dict[str, int] = defaultdict(int)
    for path in sources():
        unit = unit_of(module_of(path))
        if unit is not None and path.name not in ("__init__.py", "__main__.py"):
            home = unit if unit in ("services", "capture") else f"bifrost/{unit.replace('.', '/')}"
            counts[home] += 1
    assert sorted(folder for folder, count in counts.items() if count > MANY_FILES and folder not in pictures) == []


def test_a_public_class_has_a_name_of_its_own_unless_the_glossary_explains_it() -> None:
    units: dict[str, list[str]] = defaultdict(list)
    for name, unit in public_classes():
        units[name].append(unit)
    twice = {name for name, found in units.items() if len(found) > 1}
    assert twice - glossary() == set(), "rename one of them, or explain both in ARCHITECTURE.md"
    assert glossary() - twice == set(), "the glossary explains names that are used once"
