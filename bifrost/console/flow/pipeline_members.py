"""Determines which nodes of the graph belong to which pipeline.

A pipeline is made of the nodes that its files own, everything upstream of them, and what is downstream and unowned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Edge = tuple[str, str]
Members = dict[str, frozenset[str]]

REST = ""
"""The name of the group of nodes that belong to no pipeline."""


def members(nodes: Iterable[str], edges: Collection[Edge], owner: Mapping[str, str]) -> Members:
    """The node ids of each pipeline, by name. A shared node is in several, one without a pipeline in `REST`.

    Args:
        owner: pipeline by node id, for the nodes that files own; topics and foreign nodes have none.
    """
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for source, target in edges:
        before.setdefault(target, set()).add(source)
        after.setdefault(source, set()).add(target)
    unowned_after = {node: targets - owner.keys() for node, targets in after.items()}
    found: Members = {}
    for pipeline in sorted(set(owner.values())):
        seeds = {node for node, name in owner.items() if name == pipeline}
        found[pipeline] = frozenset(_reached(seeds, before) | _reached(seeds, unowned_after))
    # Files whose nodes all lead into one other pipeline are a part of it.
    found = {name: own for name, own in found.items() if not _is_part_of_another(name, own, found)}
    placed = frozenset().union(*found.values())
    rest = frozenset(nodes) - placed
    return found | ({REST: rest} if rest else {})


def _reached(starts: set[str], neighbours: Mapping[str, set[str]]) -> set[str]:
    reached, pending = set(starts), list(starts)
    while pending:
        fresh = neighbours.get(pending.pop(), set()) - reached
        reached |= fresh
        pending.extend(fresh)
    return reached


def _is_part_of_another(name: str, own: frozenset[str], found: Members) -> bool:
    return any(own < other for other_name, other in found.items() if other_name != name)
