"""A record flow as a tree of text, as a Mermaid or Graphviz picture, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bifrost.deployer.plan.dependencies import Thing
from bifrost.deployer.plan.record_flow import RecordFlow

SEEN = " ^"
"""Ends a line whose branches are shown further up."""


def tree_lines(flow: RecordFlow) -> Iterator[str]:
    """A tree for each thing that nothing feeds; what was shown before is not repeated."""
    fed_by = flow.fed_by
    seen: set[Thing] = set()
    for thing in flow.feeds:
        if not fed_by[thing]:
            yield from branch_lines(thing, flow.feeds, seen)


def branch_lines(
    thing: Thing, edges: Mapping[Thing, tuple[Thing, ...]], seen: set[Thing], first: str = "", rest: str = ""
) -> Iterator[str]:
    """The lines of one thing and of everything that its edges lead to; `seen` collects what was shown."""
    others = edges.get(thing, ())
    is_known = thing in seen and bool(others)
    yield f"{first}{thing}{SEEN if is_known else ''}"
    if thing in seen:
        return
    seen.add(thing)
    for index, other in enumerate(others):
        is_last = index == len(others) - 1
        yield from branch_lines(
            other, edges, seen, f"{rest}{'└─ ' if is_last else '├─ '}", f"{rest}{'   ' if is_last else '│  '}"
        )


def mermaid_lines(flow: RecordFlow) -> Iterator[str]:
    """A Mermaid flowchart."""
    ids = {thing: f"n{number}" for number, thing in enumerate(flow.feeds)}
    yield "flowchart LR"
    for thing, name in ids.items():
        text = str(thing).replace('"', "#quot;")
        yield f'    {name}["{text}"]'
    yield from (f"    {ids[thing]} --> {ids[other]}" for thing, others in flow.feeds.items() for other in others)


def dot_lines(flow: RecordFlow) -> Iterator[str]:
    """A Graphviz graph."""
    yield "digraph bifrost {"
    yield "    rankdir=LR; node [shape=box];"
    yield from (f"    {_quoted(thing)};" for thing in flow.feeds)
    yield from (
        f"    {_quoted(thing)} -> {_quoted(other)};" for thing, others in flow.feeds.items() for other in others
    )
    yield "}"


def flow_json(flow: RecordFlow) -> dict[str, Any]:
    """Nodes and edges, each end as `KIND:NAME`."""
    return {
        "nodes": [{"what": thing.kind.value, "name": thing.name} for thing in flow.feeds],
        "edges": [
            {"from": f"{thing.kind}:{thing.name}", "to": f"{other.kind}:{other.name}"}
            for thing, others in flow.feeds.items()
            for other in others
        ],
    }


def _quoted(thing: Thing) -> str:
    text = str(thing).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
