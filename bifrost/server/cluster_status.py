"""GET /clusterStatus: what of the queries' state this host keeps, and how far behind it is."""

from __future__ import annotations

from typing import Any

from bifrost.engine.queries.persistent import PersistentQueries, PersistentQuery

Json = dict[str, Any]


def cluster_status(queries: PersistentQueries, now_ms: int) -> Json:
    """The status of the one host that there is."""
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
    """Per store and partition, how far its inputs have been read."""
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
