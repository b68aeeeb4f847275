"""Which queries a plan rebuilds, whose readers are stopped and moved meanwhile, and what was left of an earlier run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.declared.statement_files import names_read
from bifrost.deployer.live.rebuild_record import Rebuild, RebuiltStatement
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import ActionKind
from bifrost.deployer.plan.replace_choices import ReplaceChoices
from bifrost.deployer.plan.statement_changes import StatementChange
from bifrost.deployer.plan.statement_losses import read_from
from bifrost.deployer.plan.topic_readers import notifiers, sink_readers
from bifrost.sql.tree import CreateAsSelect, InsertSelect, SourceKind


class RebuildPlanner:
    """Plans the rebuild of changed statements; `everything` declares what reads their topics."""

    def __init__(self, everything: Declarations, live: LiveState, choices: ReplaceChoices) -> None:
        self._everything = everything
        self._live = live
        self._choices = choices
        self._topics = written_topics(everything)
        self._kinds = {item.name: getattr(item.tree, "kind", None) for item in everything.statements}
        self._interrupted = _still_declared(live.owned.rebuild, everything)

    def rebuild(self, changes: Iterable[StatementChange]) -> Rebuild | None:
        """The queries that are rebuilt, with what an interrupted rebuild has left to do."""
        rebuilt = (each for each in changes if _replaces_query(each) or self.repeats_records(each))
        statements = tuple(map(self._rebuilt, rebuilt))
        if not statements:
            return self._interrupted
        groups = {group for statement in statements for group in statement.groups}
        services = {
            notifier.service
            for statement in statements
            for notifier in notifiers(statement.topic, self._everything, self._live)
            if notifier.group in groups and self._runs(notifier.service)
        }
        return Rebuild(statements, tuple(sorted(services))).after(self._interrupted)

    def _rebuilt(self, change: StatementChange) -> RebuiltStatement:
        topic = self._topics.get(change.statement.name, "")
        start = read_from(change, self._live, self._choices)
        moves = change.deletes_topic or (start == "earliest" and not self._choices.repeat_alerts)
        groups = [each.group for each in notifiers(topic, self._everything, self._live)] if moves else []
        if self._live.services is None:
            groups = []
        sinks = sink_readers(topic, self._everything, self._live) if change.deletes_topic else ()
        return RebuiltStatement(
            name=change.statement.name,
            topic=topic,
            query_id="" if change.query is None else change.query.summary.id,
            read_from=start,
            inputs=tuple(sorted({self._topic_of(name) for name in self._driving(change)} - {"", topic})),
            deletes_topic=change.deletes_topic,
            skips=start == "earliest" and not self._choices.repeat_alerts,
            groups=tuple(groups),
            connectors=tuple(sink.name for sink in sinks),
        )

    def _driving(self, change: StatementChange) -> list[str]:
        """The streams that a query reads, or its tables if there are none.

        A query commits how far it has read a table only with the table's next record, not when it has loaded it.
        """
        target = change.tree.target if isinstance(change.tree, InsertSelect) else ""
        names = [name for name in names_read(change.tree) if name != target]
        return [name for name in names if self._kinds.get(name) is SourceKind.STREAM] or names

    def _topic_of(self, name: str) -> str:
        source = self._live.sources.get(name)
        return self._topics.get(name, "") if source is None else source.description.topic

    def _runs(self, service: str) -> bool:
        status = (self._live.services or {}).get(service)
        return status is not None and status.is_up

    def repeats_records(self, change: StatementChange) -> bool:
        """Whether a missing query writes into a topic that holds records already, as after a DROP by a person."""
        return (
            change.kind is ActionKind.CREATE
            and isinstance(change.tree, CreateAsSelect)
            and self._live.records.get(change.statement.topic, 0) > 0
            and read_from(change, self._live, self._choices) == "earliest"
            and not self.is_interrupted(change)
        )

    def is_interrupted(self, change: StatementChange) -> bool:
        """Whether an earlier run ended between the drop of a statement and the end of its rebuild."""
        return self._interrupted is not None and self._interrupted.find(change.statement.name) is not None


def written_topics(declared: Declarations) -> dict[str, str]:
    """The topic that each query writes, by its statement's name."""
    topics = {item.name: item.topic for item in declared.statements}
    inserts = {
        item.name: topics.get(item.tree.target, "")
        for item in declared.statements
        if isinstance(item.tree, InsertSelect)
    }
    return topics | inserts


def _replaces_query(change: StatementChange) -> bool:
    return change.kind is ActionKind.REPLACE and isinstance(change.tree, CreateAsSelect | InsertSelect)


def _still_declared(rebuild: Rebuild | None, everything: Declarations) -> Rebuild | None:
    """An interrupted rebuild without statements that were removed from the files since."""
    if rebuild is None:
        return None
    names = {statement.name for statement in everything.statements}
    return replace(rebuild, statements=tuple(each for each in rebuild.statements if each.name in names))
