"""Compares what is declared with what is live and returns the list of actions. Pure: no input or output."""

from __future__ import annotations

from bifrost.deployer.declared.declarations import Declarations
from bifrost.deployer.live.state import LiveState
from bifrost.deployer.plan.actions import DeploymentPlan
from bifrost.deployer.plan.connectors import plan_connectors
from bifrost.deployer.plan.search import plan_buckets, plan_dashboards, plan_templates
from bifrost.deployer.plan.services import plan_services
from bifrost.deployer.plan.statements import plan_statements
from bifrost.deployer.plan.subjects import plan_subjects
from bifrost.deployer.plan.topics import plan_sink_topics, plan_topics
from bifrost.deployer.plan.undeclared import plan_removals, undeclared_of


def make_plan(
    declared: Declarations, live: LiveState, *, everything: Declarations | None = None, prune: bool = False
) -> DeploymentPlan:
    """The actions that turn `live` into what is declared.

    Args:
        declared: the selected pipelines with all that they need, mapped to the target.
        everything: all declarations; a live resource without one counts as undeclared. `declared` by default.
        prune: remove undeclared resources that this project created.
    """
    everything = everything or declared
    undeclared = undeclared_of(everything, live)
    # In the order of execution. A statement needs its topics, and the schemas that source connectors register. A sink
    # needs the topics of statements, and templates and buckets before it writes the first record.
    actions = [
        *plan_topics(declared, live),
        *plan_sink_topics(declared, live),
        *plan_subjects(declared, live),
        *plan_connectors(declared, live, sinks=False, everything=everything, prune=prune),
        *plan_statements(declared, live),
        *plan_templates(declared, live),
        *plan_buckets(declared, live),
        *plan_connectors(declared, live, sinks=True, everything=everything, prune=prune),
        *plan_dashboards(declared, live),
        *plan_services(declared, live),
    ]
    removals = plan_removals(undeclared, live) if prune else ()
    remaining = [item for item in undeclared if not prune or not item.owned or item.kept_because]
    return DeploymentPlan((*actions, *removals), tuple(remaining), live.is_running)
