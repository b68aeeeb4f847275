"""What a plan loses is shown, and `up` needs it allowed."""

from dataclasses import replace

import pytest

from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan, ResourceKind
from bifrost.deployer.plan.losses import LOSS_FLAGS, Loss, parse_allowed
from bifrost.deployer.plan.plan_text import plan_json, plan_lines
from bifrost.deployer.plan.refusal import refuse_losses
from bifrost.errors import PlanRefused, SettingError
from bifrost.settings import PROJECT

REBUILT = Action(
    ActionKind.REPLACE,
    ResourceKind.STATEMENT,
    "ALERTS",
    "WHERE differs",
    loss=(Loss("the query starts again from its first record", "replace"), Loss("12 records are deleted", "delete")),
)
OTHER = replace(REBUILT, name="TOTALS", loss=(Loss("its state is rebuilt", "replace"),))
PLAN = DeploymentPlan((REBUILT, OTHER))


def test_a_plan_shows_losses_and_the_options_that_accept_them():
    assert list(plan_lines(PLAN)) == [
        "  ! statement  ALERTS: WHERE differs",
        "      loss: the query starts again from its first record (allow it with replace)",
        "      loss: 12 records are deleted (allow it with delete)",
        "  ! statement  TOTALS: WHERE differs",
        "      loss: its state is rebuilt (allow it with replace)",
        "2 to replace; 0 unchanged.",
        "Because of the losses, `up` needs: --allow replace:ALERTS,TOTALS --allow delete:ALERTS",
    ]


def test_a_plan_as_json_has_the_losses_of_each_action():
    assert plan_json(PLAN, "embedded")["actions"][0]["losses"] == [
        {"what": "the query starts again from its first record", "allow": "replace"},
        {"what": "12 records are deleted", "allow": "delete"},
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["replace", "delete"],
        ["replace:ALERTS,TOTALS", "delete:ALERTS"],
        ["replace:ALERTS", "replace:TOTALS", "delete"],
        ["replace:*", "delete:AL?RTS"],
    ],
)
def test_allowed_losses_are_accepted(words):
    refuse_losses(PLAN, parse_allowed(words))


def test_a_loss_that_is_not_allowed_is_refused_with_the_missing_options():
    with pytest.raises(PlanRefused) as refused:
        refuse_losses(PLAN, parse_allowed(["replace:ALERTS"]))

    assert str(refused.value) == (
        "nothing was changed; this would be lost:\n"
        "  - statement ALERTS: 12 records are deleted\n"
        "  - statement TOTALS: its state is rebuilt\n"
        "  to accept it, add: --allow delete:ALERTS --allow replace:TOTALS"
    )


@pytest.mark.parametrize("word", ["everything", "", ":ALERTS", "replace:", "replace: ,"])
def test_a_word_that_allows_nothing_is_refused(word):
    with pytest.raises(SettingError):
        parse_allowed([word])


def test_blocked_and_waiting_actions_are_counted_in_words():
    plan = DeploymentPlan(
        (
            Action(ActionKind.BLOCKED, ResourceKind.TOPIC, "ratings", "has more partitions"),
            Action(ActionKind.WAIT, ResourceKind.CONNECTOR, "sink", "is rebalancing"),
        )
    )

    assert list(plan_lines(plan)) == [
        "  x topic      ratings: has more partitions",
        "  . connector  sink: is rebalancing",
        "1 blocked, 1 to wait for; 0 unchanged.",
    ]
    assert plan.blocked == plan.actions[:1]


def test_the_reference_explains_every_flag():
    text = (PROJECT / "docs/reference/commands.md").read_text(encoding="utf-8")

    assert [flag for flag, meaning in LOSS_FLAGS.items() if f"| `{flag}` | {meaning} |" not in text] == []
