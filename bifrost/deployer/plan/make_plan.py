"""Compares what is declared with what is live and returns the list of actions. Pure: no input or output."""

from __future__ import annotations

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan, TerminateLiveQuery
from bifrost.deployer.plan.connectors import plan_connectors
from bifrost.deployer.plan.options import DEFAULT_OPTIONS, PlanOptions
from bifrost.deployer.plan.search import plan_buckets, plan_dashboards, plan_templates
from bifrost.deployer.plan.selection import selected_declarations
from bifrost.deployer.plan.services import plan_services
from bifrost.deployer.plan.statement_changes import StatementScope
from bifrost.deployer.plan.statements import plan_statements
from bifrost.deployer.plan.subjects import plan_subjects
from bifrost.deployer.plan.topics import plan_sink_topics, plan_topics
from bifrost.deployer.plan.undeclared import plan_removals, undeclared_of

UNKNOWN = "is not compared: nothing is running"


def make_plan(
    declared: Declarations,
    live: LiveState,
    *,
    everything: Declarations | None = None,
    options: PlanOptions = DEFAULT_OPTIONS,
) -> DeploymentPlan:
    """The actions that turn `live` into what is declared.

    Args:
        declared: the selected pipelines with all that they need, mapped to the target.
        everything: all declarations; a live resource without one counts as undeclared. `declared` by default.
        options: what a person chose; `filter` limits what is replaced, and is otherwise applied to the finished plan.
    """
    everything, prune = everything or declared, options.prune
    undeclared = undeclared_of(everything, live)
    # In the order of execution. A statement needs its topics, and the schemas that source connectors register. A sink
    # needs the topics of statements, and templates and buckets before it writes the first record.
    actions = [
        *plan_topics(declared, live),
        *plan_sink_topics(declared, live),
        *plan_subjects(declared, live),
        *plan_connectors(declared, live, sinks=False, everything=everything, prune=prune),
        *plan_statements(declared, live, statement_scope(everything, live, options)),
        *plan_templates(declared, live),
        *plan_buckets(declared, live),
        *plan_connectors(declared, live, sinks=True, everything=everything, prune=prune),
        *plan_dashboards(declared, live),
        *plan_services(declared, live),
    ]
    if live.is_unknown:
        waiting = (Action(ActionKind.WAIT, action.resource, action.name, UNKNOWN) for action in actions)
        return DeploymentPlan(tuple(waiting), is_running=False, is_unknown=True)
    ended = {step.id for action in actions for step in action.operations if isinstance(step, TerminateLiveQuery)}
    # A query that a changed INSERT INTO takes the place of has ended by then.
    undeclared = tuple(item for item in undeclared if item.name not in ended)
    removals = plan_removals(undeclared, live) if prune else ()
    remaining = [item for item in undeclared if not prune or not item.owned or item.kept_because]
    return DeploymentPlan((*actions, *removals), tuple(remaining), live.is_running)


def statement_scope(
    everything: Declarations, live: LiveState, options: PlanOptions = DEFAULT_OPTIONS
) -> StatementScope:
    """What the plan of statements must know beside the selected ones."""
    removed = (item.name for item in undeclared_of(everything, live) if item.owned and not item.kept_because)
    wanted = selected_declarations(everything, options.filter).statements
    return StatementScope(
        everything,
        options.choices,
        frozenset(removed if options.prune else ()),
        frozenset(statement.name for statement in wanted),
    )
