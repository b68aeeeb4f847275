"""Checks of the parts of a target, and of what they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bifrost.clients.connect import root_cause
from bifrost.clients.http import RestClient
from bifrost.clients.ksqldb import INTERNAL_NAMES
from bifrost.deployer.apply.await_running import query_causes
from bifrost.deployer.live.state import Platform
from bifrost.errors import RemoteError
from bifrost.operations.dead_letter_queues import DeadLetterQueues
from bifrost.operations.group_lag import group_lags
from bifrost.operations.group_owners import GroupOwners
from bifrost.operations.health.finding import Finding, ok, problem, warning

MOST_SKEW_S = 5.0
MANY_RECORDS = 10_000
_DAY_MS = 86_400_000
_NEVER_SUSPENDED = ("RUNNING", "REBALANCING", "UNASSIGNED", "RESTARTING")


def reachable(platform: Platform) -> Iterator[Finding]:
    """Whether each API answers with the credentials of the settings, its version, and its clock."""
    probes: list[tuple[str, RestClient | None, Callable[[], str]]] = [
        ("Kafka", None, lambda: f"answers, {len(platform.kafka.topics())} topics"),
        ("Kafka Connect", platform.connect, lambda: f"version {platform.connect.version()}"),
        ("Schema Registry", platform.registry, lambda: f"answers, {len(platform.registry.subjects())} subjects"),
        ("ksqlDB", platform.ksqldb, lambda: f"version {platform.ksqldb.info().version}"),
    ]
    if platform.search is not None:
        search = platform.search
        probes.append(("search", search, lambda: f"answers, {len(search.templates())} templates"))
    if platform.s3 is not None:
        s3 = platform.s3
        probes.append(("S3", None, lambda: f"answers, {len(s3.buckets())} buckets"))
    for name, client, probe in probes:
        try:
            yield ok(name, probe())
        except RemoteError as error:
            yield problem(name, error.problem, "see its address and credentials in the settings, and its log")
            continue
        skew = None if client is None else client.http.clock_skew_s
        if skew is not None and abs(skew) > MOST_SKEW_S:
            text = f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
            yield warning(name, text, "windows and retention go by these clocks; synchronise them (NTP)")


def connectors(platform: Platform) -> Iterator[Finding]:
    """The connectors and their tasks, with causes."""
    for name, status in sorted(platform.connect.statuses().items()):
        thing = f"connector {name}"
        if status.state == "FAILED":
            yield problem(thing, f"is FAILED: {root_cause(status.trace)}", f"`restart {name}`, once the cause is gone")
        elif status.state not in _NEVER_SUSPENDED:
            yield warning(thing, f"is {status.state} by a command", f"`resume {name}`, or `up`")
        else:
            yield ok(thing, f"is {status.state}, {len(status.tasks)} tasks")
        for task in status.tasks:
            if task.state == "FAILED":
                cause = root_cause(task.trace)
                yield problem(
                    f"{thing} task {task.id}", f"is FAILED: {cause}", f"`restart {name}`, once the cause is gone"
                )


def queries(platform: Platform) -> Iterator[Finding]:
    """The persistent queries, with causes."""
    for query in platform.ksqldb.queries():
        thing = f"query {query.id}"
        if query.state == "PAUSED":
            yield warning(thing, "is PAUSED by a command", f"`resume {query.id}`, or `up`")
        elif query.state in ("ERROR", "UNRESPONSIVE"):
            causes = "; ".join(query_causes(platform.ksqldb, query.id))
            yield problem(thing, f"is {query.state}: {causes}", f"`restart {query.id}`, once the cause is gone")
        else:
            yield ok(thing, f"is {query.state}")


def lags(platform: Platform, owners: GroupOwners) -> Iterator[Finding]:
    """How far groups are behind."""
    for item in group_lags(platform.kafka, owners):
        if item.lag >= MANY_RECORDS:
            advice = f"`lag '{item.owner.name}' -p` shows the partitions, `top` whether it catches up"
            yield warning(str(item.owner), f"is {item.lag} records behind", advice)
        else:
            yield ok(str(item.owner), f"is {item.lag} records behind")


def dead_letters(queues: DeadLetterQueues) -> Iterator[Finding]:
    """Dead letters that wait for a replay."""
    for queue in queues.queues():
        waiting = queue.letters - queue.replayed
        if waiting:
            advice = f"`dlq show {queue.topic}` shows the reasons; `dlq replay` or `dlq drop`"
            yield warning(queue.topic, f"has {waiting} letters of {queue.owner} that were not replayed", advice)
        else:
            yield ok(queue.topic, "has no letters to replay")


def partitions(platform: Platform) -> Iterator[Finding]:
    """Partitions without a leader, or with replicas that are not in sync."""
    found = platform.kafka.unhealthy_partitions()
    for name, texts in found.items():
        yield problem(f"topic {name}", "; ".join(texts), "a broker is down or slow: see its log")
    if not found:
        yield ok("partitions", "all have a leader, and all replicas are in sync")


def retention(platform: Platform) -> Iterator[Finding]:
    """Topics that grow without a limit. ksqlDB deletes what it has read of its repartition topics."""
    names = (name for name in platform.kafka.topics() if not name.startswith(INTERNAL_NAMES))
    topics = platform.kafka.describe(sorted(names))
    endless = {
        name: topic.partitions
        for name, topic in topics.items()
        if topic.config.get("retention.ms") == "-1"
        and topic.config.get("retention.bytes", "-1") == "-1"
        and "compact" not in topic.config.get("cleanup.policy", "delete")
    }
    ends = platform.kafka.ends(endless)
    for name, parts in ends.items():
        records = sum(part.next - part.first for part in parts.values())
        yield warning(f"topic {name}", f"never deletes records: {records} so far", "declare retention.ms")
    yield ok("retention", f"{len(topics) - len(endless)} of {len(topics)} topics have a limit or are compacted")


def subjects(platform: Platform) -> Iterator[Finding]:
    """Subjects without a topic, and subjects whose newest schema the registry cannot return."""
    topics = platform.kafka.topics().keys()
    found = platform.registry.subjects()
    for subject in found:
        topic, _, part = subject.rpartition("-")
        if part in ("key", "value") and topic not in topics:
            yield warning(f"subject {subject}", f"has no topic {topic}", "it was deleted or renamed; the subject stays")
        elif platform.registry.latest(subject) is None:
            yield problem(f"subject {subject}", "is listed, and has no version", "see the registry's log")
    yield ok("subjects", f"{len(found)} in the registry")
