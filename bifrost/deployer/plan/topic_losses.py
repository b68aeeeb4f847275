"""What a changed topic loses, and who in ksqlDB depends on it."""

from __future__ import annotations

from collections.abc import Iterator

from bifrost.clients.kafka import TopicDescription
from bifrost.deployer.declared.declarations import Creating, Declarations, DeclaredTopic
from bifrost.deployer.declared.statement_files import sources_of
from bifrost.deployer.live.change_details import DEFAULT_RETENTION_MS, RETENTION, is_lowered
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.key_changes import count_of
from bifrost.deployer.plan.losses import Loss
from bifrost.sql.tree import CreateAsSelect, InsertSelect, Join

_UNITS = ((24 * 3600 * 1000, "day"), (3600 * 1000, "hour"), (60 * 1000, "minute"), (1000, "second"))


def users_of(topic: str, live: LiveState, *, only_by_key: bool = False) -> list[str]:
    """The streams and tables on a topic, and the queries that read them.

    Args:
        only_by_key: only tables, and queries that join or aggregate: for them all records of a key must be in one
            partition, and their own topics have as many partitions.
    """
    sources = {name: found for name, found in live.sources.items() if found.description.topic == topic}
    named = [name for name, found in sources.items() if not only_by_key or found.description.type == "TABLE"]
    queries = [
        query_id
        for query_id, query in live.queries.items()
        if sources.keys() & set(_read_by(query.tree)) and (not only_by_key or _is_stateful(query.tree))
    ]
    return [*sorted(named), *sorted(queries)]


def lost_by_settings(topic: DeclaredTopic, found: TopicDescription, live: LiveState) -> tuple[Loss, ...]:
    """What another cleanup policy or a shorter retention deletes."""
    before, after = _policies(found.config.get("cleanup.policy")), _policies(topic.config.get("cleanup.policy"))
    kept_ms = int(topic.config.get(RETENTION, DEFAULT_RETENTION_MS))
    held = live.records.get(topic.name)
    # The number is known: nothing to lose.
    if held == 0:
        return ()
    losses = []
    if "compact" in after - before:
        losses.append(_lost_by_compaction(topic, held))
    if "delete" in after - before and kept_ms >= 0:
        losses.append(_lost_by_expiry(kept_ms, held))
    elif "delete" in after and is_lowered(int(found.config.get(RETENTION, DEFAULT_RETENTION_MS)), kept_ms):
        expiring = live.expiring.get(topic.name)
        if expiring is None:
            losses.append(f"records older than {duration(kept_ms)} are deleted")
        elif expiring:
            losses.append(f"{count_of(expiring)} older than {duration(kept_ms)} are deleted")
    return tuple(Loss(what, "delete") for what in losses)


def _lost_by_compaction(topic: DeclaredTopic, held: int | None) -> str:
    of = "" if held is None else f" of {count_of(held)}"
    if topic.key == "none":
        return f"only the last record of each key{of} stays, and the broker refuses records without a key"
    return f"only the last record of each {topic.key}{of} stays"


def _lost_by_expiry(kept_ms: int, held: int | None) -> str:
    of = "" if held is None else f" (the topic holds {count_of(held)})"
    return f"records older than {duration(kept_ms)} are deleted, also the last one of a key{of}"


def lost_by_more_partitions(topic: str, live: LiveState) -> tuple[Loss, ...]:
    """What more partitions do to a topic with keys: nothing is deleted, but the order of each key's records is lost."""
    held = live.records.get(topic)
    if held == 0:
        return ()
    stay = "the records of a key" if held is None else f"{count_of(held)}"
    what = (
        f"{stay} stay where they are, while new ones of the same key go to other partitions: readers may see them in "
        "another order"
    )
    return (Loss(what, "replace"),)


def lost_by_deletion(topic: str, declared: Declarations, live: LiveState) -> tuple[Loss, ...]:
    """What is lost when a topic is deleted and created again."""
    held = live.records.get(topic)
    writer = next((found.connector for found in declared.topics if found.name == topic), "")
    if held != 0:
        what = "all of its records are deleted" if held is None else f"{count_of(held)} deleted"
        losses = [f"{what}; {writer} does not write them again" if writer else what]
    else:
        losses = []
    losses += _stale_documents(topic, declared, held)
    return tuple(Loss(loss, "delete") for loss in losses)


def _stale_documents(topic: str, declared: Declarations, held: int | None) -> Iterator[str]:
    """An index whose documents carry the record's offset as their version refuses the lower ones of a new topic."""
    for connector in declared.connectors:
        name = connector.config["connector.class"]
        if "Elasticsearch" in name and topic in connector.topics and connector.config.get("key.ignore") != "true":
            below = "the old offsets" if held is None else f"offset {held:,}"
            yield (
                f"{connector.name} ignores the new records of known keys up to {below}: delete the index "
                f"{topic.lower()} too"
            )


def _policies(text: str | None) -> set[str]:
    return {part.strip() for part in (text or "delete").split(",")}


def duration(milliseconds: int) -> str:
    """A duration in its largest whole unit."""
    for size, unit in _UNITS:
        if milliseconds >= size and milliseconds % size == 0:
            count = milliseconds // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return f"{milliseconds:,} ms"


def _read_by(tree: Creating | None) -> Iterator[str]:
    return sources_of(tree.query) if isinstance(tree, CreateAsSelect | InsertSelect) else iter(())


def _is_stateful(tree: Creating | None) -> bool:
    """Whether a query joins or aggregates."""
    if not isinstance(tree, CreateAsSelect | InsertSelect):
        return False
    return bool(tree.query.group_by) or isinstance(tree.query.source, Join)
