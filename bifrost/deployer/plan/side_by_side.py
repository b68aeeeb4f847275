"""A declared thing and the live one as lines of text, to compare them. Without secrets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from bifrost.deployer.declared.declarations import Creating, Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import ResourceKind
from bifrost.deployer.plan.dependencies import Thing
from bifrost.redaction import redact_config, redact_text, redact_value
from bifrost.sql.formatter import format_statement
from bifrost.sql.tree import CreateAsSelect, CreateSource, InsertSelect, Properties

_INTERNAL = "__internal."
_FILLED_IN = frozenset(
    {"KAFKA_TOPIC", "PARTITIONS", "REPLICAS", "RETENTION_MS", "CLEANUP_POLICY", "KEY_FORMAT", "VALUE_FORMAT"}
)
"""Properties of WITH that ksqlDB adds to a statement without them."""
_GAP = " | "


@dataclass(frozen=True, slots=True)
class TwoTexts:
    """The lines of a thing as declared and as it is live; `None` where it does not exist."""

    thing: Thing
    declared: tuple[str, ...] | None
    live: tuple[str, ...] | None


def two_texts(thing: Thing, declared: Declarations, live: LiveState, secrets: Iterable[str]) -> TwoTexts:
    """Both texts of a thing.

    Args:
        secrets: known secrets, which are replaced wherever they are.
    """
    hidden = tuple(secrets)
    return TwoTexts(thing, _lines(_declared(thing, declared), hidden), _lines(_live(thing, declared, live), hidden))


def unified_lines(texts: TwoTexts) -> Iterator[str]:
    """A unified diff from live to declared."""
    yield from difflib.unified_diff(
        texts.live or (), texts.declared or (), f"live {texts.thing}", f"declared {texts.thing}", lineterm=""
    )


def paired_lines(texts: TwoTexts, width: int) -> Iterator[str]:
    """Live on the left and declared on the right, with `|` between them, or `<`, `>` and `!` where they differ."""
    column = (width - len(_GAP)) // 2
    yield f"{'live':<{column}}{_GAP}declared".rstrip()
    old, new = list(texts.live or ()), list(texts.declared or ())
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for left, right in zip_longest(old[i1:i2], new[j1:j2]):
            sign = "|" if kind == "equal" else "<" if right is None else ">" if left is None else "!"
            yield from _pair(left or "", right or "", column, sign)


def _pair(left: str, right: str, column: int, sign: str) -> Iterator[str]:
    """One pair of lines; long ones continue on the next."""
    parts = zip_longest(_wrapped(left, column), _wrapped(right, column), fillvalue="")
    for one, other in parts:
        yield f"{one:<{column}} {sign} {other}".rstrip()


def _wrapped(line: str, width: int) -> list[str]:
    return [line[begin : begin + width] for begin in range(0, len(line), width)] or [""]


def _lines(content: object, secrets: tuple[str, ...]) -> tuple[str, ...] | None:
    if content is None:
        return None
    text = content if isinstance(content, str) else json.dumps(_plain(content), indent=2, ensure_ascii=False)
    return tuple(redact_text(text, secrets).splitlines())


def _plain(content: Any) -> Any:
    """Nested JSON values with sorted keys and without secrets."""
    match content:
        case Mapping():
            return {
                str(key): redact_value(str(key), value) if isinstance(value, str) else _plain(value)
                for key, value in sorted(content.items(), key=lambda item: str(item[0]))
            }
        case list() | tuple():
            return [_plain(value) for value in content]
        case _:
            return content


def _declared(thing: Thing, declared: Declarations) -> object:
    name = thing.name
    match thing.kind:
        case ResourceKind.TOPIC:
            topics = (item for item in declared.topics if item.name == name)
            return next(({"partitions": item.partitions, **item.config} for item in topics), None)
        case ResourceKind.SUBJECT:
            return next((_json(item.schema) for item in declared.subjects if item.name == name), None)
        case ResourceKind.CONNECTOR:
            return next((redact_config(item.config) for item in declared.connectors if item.name == name), None)
        case ResourceKind.STATEMENT:
            return next((_sql(item.tree, item.text) for item in declared.statements if item.name == name), None)
        case ResourceKind.TEMPLATE:
            return next((item.body for item in declared.templates if item.name == name), None)
        case _:
            return {"name": name}


def _live(thing: Thing, declared: Declarations, live: LiveState) -> object:
    name = thing.name
    match thing.kind:
        case ResourceKind.TOPIC:
            topic = live.topics.get(name)
            return None if topic is None else {"partitions": topic.partitions, **topic.config}
        case ResourceKind.SUBJECT:
            subject = live.subjects.get(name)
            return None if subject is None else _json(subject.latest.schema)
        case ResourceKind.CONNECTOR:
            connector = live.connectors.get(name)
            config = {} if connector is None else connector.config
            shown = {key: value for key, value in config.items() if not key.startswith(_INTERNAL) and key != "name"}
            return None if connector is None else redact_config(shown)
        case ResourceKind.STATEMENT:
            return _live_statement(name, declared, live)
        case ResourceKind.TEMPLATE:
            return (live.templates or {}).get(name)
        case ResourceKind.DASHBOARD:
            return {"name": name} if name in (live.dashboards or {}) else None
        case ResourceKind.BUCKET:
            return {"name": name} if name in (live.buckets or ()) else None
        case _:
            return {"name": name} if name in (live.services or {}) else None


def _live_statement(name: str, declared: Declarations, live: LiveState) -> str | None:
    writers = [query for query in live.queries.values() if name in query.summary.sinks]
    creating = [query for query in writers if not isinstance(query.tree, InsertSelect)]
    tree = next((item.tree for item in declared.statements if item.name == name), None)
    # The query's text is complete; that of the source may lack the query.
    if creating and isinstance(creating[0].tree, CreateAsSelect):
        return _sql(_as_written(creating[0].tree, tree), creating[0].summary.statement)
    source = live.sources.get(name)
    return None if source is None else _sql(_as_written(source.tree, tree), source.description.statement)


def _as_written(live: Creating | None, declared: Creating | None) -> Creating | None:
    """A live statement without the properties that the server filled in, unless the file has them too."""
    if not isinstance(live, CreateSource | CreateAsSelect) or not isinstance(declared, CreateSource | CreateAsSelect):
        return live
    written = {
        name: value
        for name, value in live.properties.items()
        if name in declared.properties or name.upper() not in _FILLED_IN
    }
    return replace(live, properties=Properties(written))


def _sql(tree: Creating | None, text: str) -> str:
    """A statement with a property of WITH on each line, so that a difference is one line."""
    if tree is None:
        return text
    formatted = format_statement(tree)
    head, sign, rest = formatted.partition(" WITH (")
    if not sign:
        return formatted
    properties, _, tail = rest.partition(")")
    return f"{head}\n  WITH (\n    " + properties.replace(", ", ",\n    ") + f")\n{tail.strip()}"


def _json(text: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError:
        return text
    return found
