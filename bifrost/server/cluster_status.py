"""GET /clusterStatus: the state stores of this host and their lag."""

from __future__ import annotations

from typing import Any

from bifrost.engine.queries.persistent import PersistentQueries, PersistentQuery

Json = dict[str, Any]


def cluster_status(queries: PersistentQueries, now_ms: int) -> Json:
    """The status of this host; the embedded engine has no others.

    `now_ms` is the wall clock, epoch ms.
    """
    stateful = [query for query in queries if query.compiled.stores]
    lags: Json = {}
    for query in stateful:
        lags |= _lags(query)
    return {
        "hostAlive": True,
        "lastStatusUpdateMs": now_ms,
        "activeStandbyPerQuery": {query.id: _state(query) for query in stateful},
        "hostStoreLags": {"stateStoreLags": lags, "updateTimeMs": now_ms},
    }


def _state(query: PersistentQuery) -> Json:
    places = [{"topic": topic, "partition": partition} for topic, partition in sorted(query.runner.offsets())]
    stores = [store.name for store in query.compiled.stores]
    return {"activeStores": stores, "activePartitions": places, "standByStores": [], "standByPartitions": []}


def _lags(query: PersistentQuery) -> Json:
    """Position, end and lag of the inputs, by store and partition."""
    subtopologies = {entry.topic: entry.subtopology for entry in query.compiled.inputs}
    lags = {}
    for store in query.compiled.stores:
        by_partition: dict[int, list[tuple[int, int]]] = {}
        for (topic, partition), offsets in query.runner.offsets().items():
            if subtopologies[topic] == store.subtopology:
                by_partition.setdefault(partition, []).append(offsets)
        entries = {str(partition): _lag(found) for partition, found in sorted(by_partition.items())}
        lags[f"{query.id}#{store.name}"] = {"lagByPartition": entries, "size": len(entries)}
    return lags


def _lag(offsets: list[tuple[int, int]]) -> Json:
    position, end = sum(at for at, _ in offsets), sum(end for _, end in offsets)
    return {"currentOffsetPosition": position, "endOffsetPosition": end, "offsetLag": end - position}
