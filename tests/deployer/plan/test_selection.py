"""`--only` and `--skip` limit a plan, and name what is missing beside it."""

import pytest

from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan, ResourceKind
from bifrost.deployer.plan.dependencies import Thing, dependencies_of
from bifrost.deployer.plan.plan_text import plan_lines
from bifrost.deployer.plan.selection import ActionFilter, parse_filter, select_actions, selected_declarations
from bifrost.errors import SettingError


def shown(plan):
    return [f"{action.kind} {action.resource} {action.name}" for action in plan.actions]


def test_only_the_selected_things_stay(project, fakes):
    plan = fakes.plan(project.declared())

    found = select_actions(plan, parse_filter(["topic:*", "subject:ratings-*"], ["topic:asgard*"]), project.declared())

    assert shown(found) == ["create topic ratings", "create subject ratings-value"]
    assert list(plan_lines(found))[-1] == "2 to create; 0 unchanged. 8 left out."


def test_what_a_selected_thing_needs_is_named_if_it_is_missing_and_left_out(project, fakes):
    plan = fakes.plan(project.declared())

    (action,) = select_actions(plan, parse_filter(["statement:RATINGS"], []), project.declared()).actions

    assert (action.kind, action.operations) == (ActionKind.BLOCKED, ())
    assert action.reason == (
        "needs topic ratings, which is missing and left out; needs subject ratings-value, which is missing and left out"
    )


def test_what_exists_need_not_be_selected(project, fakes):
    fakes.up(project.declared())
    del fakes.ksqldb.sources["ALERTS"]
    fakes.ksqldb.queries.clear()
    plan = fakes.plan(project.declared())

    (action,) = select_actions(plan, parse_filter(["statement:ALERTS"], []), project.declared()).actions

    assert action.kind is not ActionKind.BLOCKED


def test_a_rebuilt_source_needs_its_readers_rebuilt(project):
    plan = DeploymentPlan(
        (
            Action(ActionKind.REPLACE, ResourceKind.STATEMENT, "RATINGS", "differs"),
            Action(ActionKind.REPLACE, ResourceKind.STATEMENT, "ALERTS", "reads RATINGS"),
        )
    )

    (action,) = select_actions(plan, parse_filter(["statement:RATINGS"], []), project.declared()).actions

    assert action.kind is ActionKind.BLOCKED
    assert action.reason == "statement ALERTS reads it and would be rebuilt too, but is left out"


def test_no_filter_changes_nothing(project, fakes):
    plan = fakes.plan(project.declared())

    assert select_actions(plan, ActionFilter(), project.declared()) is plan
    assert selected_declarations(project.declared(), ActionFilter()) == project.declared()


def test_the_declarations_are_limited_too(project):
    found = selected_declarations(project.declared(), parse_filter(["statement:A*", "service:*"], []))

    assert [item.name for item in found.statements] == ["ALERTS"]
    assert [item.name for item in found.services] == ["ratings_bot"]
    assert (found.topics, found.subjects, found.connectors) == ((), (), ())


def test_nothing_that_matches_is_an_error(project, fakes):
    with pytest.raises(SettingError, match="nothing that is declared matches"):
        select_actions(fakes.plan(project.declared()), parse_filter(["topic:nothing"], []), project.declared())


@pytest.mark.parametrize("word", ["ratings", "topic:", ":ratings", "tpoic:ratings", ""])
def test_a_word_of_another_form_is_refused(word):
    with pytest.raises(SettingError):
        parse_filter([word], [])


def test_several_patterns_fit_into_one_word_and_names_may_hold_commas():
    found = parse_filter(["topic:a,connector:b*", "query:c,d"], ["*:x"])

    assert found == ActionFilter(("topic:a", "connector:b*", "query:c,d"), ("*:x",))


def test_dependencies_reach_from_a_statement_to_the_connector_of_its_topic(project):
    found = dependencies_of(project.declared())

    needs = [str(thing) for thing in found.all_needs(Thing(ResourceKind.STATEMENT, "ALERTS"))]
    assert needs[:2] == ["statement CUSTOMERS", "statement RATINGS"]
    assert set(needs[2:]) >= {"statement CUSTOMERS_SRC_REKEY", "topic ratings", "connector mysql-demo-customers"}
    readers = found.all_needed_by(Thing(ResourceKind.TOPIC, "asgard.demo.CUSTOMERS"))
    assert Thing(ResourceKind.STATEMENT, "ALERTS") in readers
