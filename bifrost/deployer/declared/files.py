"""Reads the declaration files; everything wrong is a `DeclarationError` that names file and line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from bifrost.alerts import LINT_KEY, read_alerts
from bifrost.dashboards import declared as dashboards
from bifrost.dashboards.declared import IndexTemplate
from bifrost.deployer.declared.declarations import (
    SUBJECT_SUFFIXES,
    Declarations,
    DeclaredConnector,
    DeclaredService,
    DeclaredSubject,
    DeclaredTopic,
)
from bifrost.deployer.declared.on_error import OnError, passing_errors_to, raise_error, read_text
from bifrost.deployer.declared.statement_files import read_statements
from bifrost.errors import DeclarationError

CLEANUP_POLICIES = ("delete", "compact", "compact,delete", "delete,compact")
T = TypeVar("T")
_IMPORT = re.compile(r"^\s*(?:from|import) services\.([\w.]+)", re.MULTILINE)
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
ALERT_SERVICE = "alerts"
"""The service that delivers all alerts."""
READS = "READS"
"""The constant of a service's module with the topics, streams and tables that it reads."""
WRITES = "WRITES"
"""The constant of a service's module with the topics, streams and tables that it writes itself."""
TOPIC_FIELDS = ("partitions", "replication", "cleanup.policy", "retention.ms", "key", "connector", LINT_KEY)


def load(project: Path, on_error: OnError = raise_error) -> Declarations:
    """All declarations of a project.

    Args:
        on_error: receives the error of a file, which is then left out; raises it by default.

    Raises:
        DeclarationError: a file is wrong.
    """
    topics = read_topics(project / "topics", on_error)
    alerts = read_alerts(project / "alerts", on_error)
    services = project / "services"
    alert_topics = frozenset(alert.topic for alert in alerts)
    alert_service = DeclaredService(ALERT_SERVICE, "", alert_topics, changed_at(services / f"{ALERT_SERVICE}.py"))
    return Declarations(
        topics=topics,
        subjects=read_subjects(project / "topics" / "schemas", topics, on_error),
        connectors=read_connectors(project / "connectors", on_error),
        statements=read_statements(project / "ksql", on_error),
        templates=read_templates(project, on_error),
        dashboards=_read_all(dashboards.dashboard_files(project), dashboards.read_dashboard, on_error),
        services=(*read_services(services), *((alert_service,) if alerts else ())),
        alerts=alerts,
    )


def read_connectors(folder: Path, on_error: OnError = raise_error) -> tuple[DeclaredConnector, ...]:
    """`<folder>/<pipeline>/<name>.json`: a bare map of keys, or `{"name": ..., "config": {...}}`."""
    found: dict[str, DeclaredConnector] = {}
    for path in sorted(folder.glob("*/*.json")):
        with passing_errors_to(on_error):
            connector = _connector(path)
            other = found.setdefault(connector.name, connector)
            if other is not connector:
                raise DeclarationError(path, f"connector {connector.name} is also declared in {other.path}")
    return tuple(found.values())


def read_topics(folder: Path, on_error: OnError = raise_error) -> tuple[DeclaredTopic, ...]:
    """`<folder>/<pipeline>.json`: settings by topic name."""
    found: dict[str, DeclaredTopic] = {}
    for path in sorted(folder.glob("*.json")):
        with passing_errors_to(on_error):
            text, content = _read_json(path)
            for name, settings in content.items():
                topic = _topic(path, text, name, settings)
                other = found.setdefault(name, topic)
                if other is not topic:
                    raise DeclarationError(
                        path, f"topic {name} is also declared in {other.path}", line=line_of(text, name)
                    )
    return tuple(found.values())


def read_subjects(
    folder: Path, topics: Iterable[DeclaredTopic], on_error: OnError = raise_error
) -> tuple[DeclaredSubject, ...]:
    """`<folder>/<topic>-key.avsc` and `<topic>-value.avsc`, each of a declared topic."""
    by_name = {topic.name: topic for topic in topics}
    found = []
    for path in sorted(folder.glob("*.avsc")):
        with passing_errors_to(on_error):
            found.append(_subject(path, by_name))
    return tuple(found)


def read_templates(project: Path, on_error: OnError = raise_error) -> tuple[IndexTemplate, ...]:
    """`dashboards/<pipeline>/templates/<name>.json`: index templates."""
    found: dict[str, IndexTemplate] = {}

    def read(path: Path) -> IndexTemplate:
        template = dashboards.read_template(path)
        other = found.setdefault(template.name, template)
        if other is not template:
            raise DeclarationError(path, f"index template {template.name} is also declared in {other.path}")
        return template

    return _read_all(dashboards.template_files(project), read, on_error)


def _read_all(paths: Iterable[Path], read: Callable[[Path], T], on_error: OnError) -> tuple[T, ...]:
    found = []
    for path in paths:
        with passing_errors_to(on_error):
            found.append(read(path))
    return tuple(found)


def read_services(folder: Path) -> tuple[DeclaredService, ...]:
    """`<folder>/<pipeline>_<purpose>.py` with a `main`; other modules are shared by services."""
    modules = (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_"))
    return tuple(
        DeclaredService(
            path.stem,
            path.stem.partition("_")[0],
            changed_at=changed_at(path),
            reads=_names_in(READS, text),
            writes=_names_in(WRITES, text),
        )
        for path in modules
        if "_" in path.stem and "def main(" in (text := path.read_text(encoding="utf-8"))
    )


def _names_in(constant: str, program: str) -> frozenset[str]:
    """The names in a constant of a module; none where it has no such constant, or one that is computed."""
    with suppress(SyntaxError, ValueError):
        for node in ast.parse(program).body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [constant]:
                return frozenset(map(str, ast.literal_eval(node.value)))
    return frozenset()


def changed_at(module: Path) -> float:
    """When the program of a service was last changed: its module or the modules of the same folder that it imports.

    Returns:
        Epoch seconds, 0 if there is no such module.
    """
    files, pending = set(), {module}
    while pending:
        path = pending.pop()
        if path in files or not path.is_file():
            continue
        files.add(path)
        for found in _IMPORT.findall(path.read_text(encoding="utf-8", errors="replace")):
            name = Path(*found.split("."))
            pending |= {module.parent / name.with_suffix(".py"), module.parent / name / "__init__.py"}
    return max((path.stat().st_mtime for path in files), default=0.0)


def line_of(text: str, key: str) -> int | None:
    """The line (from 1) on which a JSON key first occurs, `None` if it does not."""
    position = text.find(json.dumps(key, ensure_ascii=False))
    return None if position < 0 else text.count("\n", 0, position) + 1


def _connector(path: Path) -> DeclaredConnector:
    text, content = _read_json(path)
    if "config" in content and isinstance(content["config"], dict):
        extra = sorted(content.keys() - {"name", "config"})
        if extra:
            raise DeclarationError(
                path, f'unknown key {extra[0]!r} beside "name" and "config"', line=line_of(text, extra[0])
            )
        named, config = content.get("name", path.stem), content["config"]
    else:
        named, config = content.get("name", path.stem), content
    named = config.get("name", named)
    if named != path.stem:
        raise DeclarationError(
            path, f"is named {named!r}; the file's name must be the connector's", line=line_of(text, "name")
        )
    values = {key: _config_value(path, text, key, value) for key, value in config.items() if key != "name"}
    silenced = _codes(values.pop(LINT_KEY, ""))
    if not isinstance(config.get("connector.class", ""), str):
        raise DeclarationError(path, "connector.class must be a string", line=line_of(text, "connector.class"))
    if not values.get("connector.class"):
        raise DeclarationError(path, "has no connector.class")
    if "${" in values["connector.class"]:
        raise DeclarationError(
            path, "connector.class must not contain a placeholder", line=line_of(text, "connector.class")
        )
    return DeclaredConnector(path.stem, path.parent.name, path, values, silenced)


def _codes(text: str) -> frozenset[str]:
    return frozenset(code.strip().upper() for code in text.split(",") if code.strip())


def _config_value(path: Path, text: str, key: str, value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        # JSON's 1e999 is infinite in Python.
        case float() if not isfinite(value):
            raise DeclarationError(path, f"{key} is too large", line=line_of(text, key))
        case int() | float():
            return str(value)
        case _:
            raise DeclarationError(path, f"{key} must be a string, a number or true/false", line=line_of(text, key))


def _topic(path: Path, text: str, name: str, settings: object) -> DeclaredTopic:
    def wrong(problem: str, key: str = name) -> DeclarationError:
        return DeclarationError(path, f"topic {name}: {problem}", line=line_of(text, key))

    if not _TOPIC_NAME.fullmatch(name) or name in (".", ".."):
        raise wrong("a topic's name has 1 to 249 of the characters a-z A-Z 0-9 . _ -")
    if not isinstance(settings, dict):
        raise wrong("expected an object of settings")
    for key in settings:
        if key not in TOPIC_FIELDS:
            raise wrong(f"unknown setting {key!r}; known are {', '.join(TOPIC_FIELDS)}", key)
    for key, least in (("partitions", 1), ("replication", 1), ("retention.ms", -1)):
        value = settings.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise wrong(f"{key} must be a whole number from {least}, not {value!r}", key)
    policy = settings.get("cleanup.policy", "delete")
    if policy not in CLEANUP_POLICIES:
        raise wrong(f"cleanup.policy must be one of {' | '.join(CLEANUP_POLICIES)}, not {policy!r}", "cleanup.policy")
    config = {key: str(settings[key]) for key in ("cleanup.policy", "retention.ms") if key in settings}
    return DeclaredTopic(
        name=name,
        pipeline=path.stem,
        path=path,
        partitions=settings.get("partitions", 1),
        config=config,
        key=str(settings.get("key", "none")),
        replication=settings.get("replication", -1),
        connector=str(settings.get("connector", "")),
        lint_ignore=_codes(str(settings.get(LINT_KEY, ""))),
    )


def _subject(path: Path, topics: Mapping[str, DeclaredTopic]) -> DeclaredSubject:
    subject = path.name.removesuffix(".avsc")
    suffix = next((suffix for suffix in SUBJECT_SUFFIXES if subject.endswith(suffix)), None)
    if suffix is None:
        raise DeclarationError(path, "a schema file is named <topic>-key.avsc or <topic>-value.avsc")
    topic = topics.get(subject.removesuffix(suffix))
    if topic is None:
        raise DeclarationError(path, f"topic {subject.removesuffix(suffix)} is not declared in topics/*.json")
    _, content = _read_json(path, any_shape=True)
    # Without blanks, as Connect's converters write schemas: registries compare versions by their text.
    return DeclaredSubject(subject, topic, path, json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def _read_json(path: Path, *, any_shape: bool = False) -> tuple[str, Any]:
    text = read_text(path)
    try:
        content = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        # Half a pair of surrogates is no text: it could be neither sent nor printed.
        json.dumps(content, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DeclarationError(path, f"is not JSON: {error.msg} (column {error.colno})", line=error.lineno) from error
    except _DuplicateKey as error:
        raise DeclarationError(path, f"{error.key!r} is written twice", line=line_of(text, error.key)) from error
    except RecursionError as error:
        raise DeclarationError(path, "is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise DeclarationError(path, "contains an escape such as \\ud800 that is no character") from error
    except ValueError as error:
        raise DeclarationError(path, f"is not JSON: {error}") from error
    if not any_shape and not isinstance(content, dict):
        raise DeclarationError(path, "expected a JSON object", line=1)
    return text, content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


class _DuplicateKey(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        # Python would silently take the last of them.
        if key in content:
            raise _DuplicateKey(key)
        content[key] = value
    return content
