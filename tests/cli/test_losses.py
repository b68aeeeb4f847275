"""Nothing is lost before a person accepts it: on a terminal by an answer, elsewhere by options."""

import io
from types import SimpleNamespace

import pytest

from bifrost.cli import losses, output
from bifrost.cli.losses import accept_losses
from bifrost.cli.output import Screen
from bifrost.deployer.plan.actions import Action, ActionKind, DeploymentPlan, ResourceKind
from bifrost.deployer.plan.losses import Loss, parse_allowed
from bifrost.errors import PlanRefused
from tests.cli.test_output import Terminal

LOSING = DeploymentPlan(
    (
        Action(
            ActionKind.REPLACE,
            ResourceKind.STATEMENT,
            "ALERTS",
            "WHERE differs",
            loss=(Loss("12 records are computed again", "replace"),),
        ),
    )
)
HARMLESS = DeploymentPlan((Action(ActionKind.CREATE, ResourceKind.TOPIC, "ratings", "is missing"),))
NOTHING, ALL = parse_allowed([]), parse_allowed(["replace:ALERTS"])


@pytest.fixture
def answering(monkeypatch):
    """A terminal on which a person types one line."""
    monkeypatch.setenv("TERM", "xterm")

    def make(answer: str) -> SimpleNamespace:
        streams = SimpleNamespace(stdin=Terminal(answer), stdout=io.StringIO(), stderr=Terminal())
        monkeypatch.setattr(output, "sys", streams)
        return streams

    return make


@pytest.mark.parametrize("allowed", [NOTHING, ALL])
def test_a_terminal_shows_every_loss_and_takes_an_answer(answering, allowed):
    streams = answering("yes\n")

    accept_losses(LOSING, allowed, Screen(), yes=False)

    assert "statement ALERTS: 12 records are computed again" in streams.stderr.getvalue()


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "no\n", "yes please\n"])
def test_any_other_answer_changes_nothing(answering, answer):
    answering(answer)

    with pytest.raises(PlanRefused, match="nothing was changed: the losses were not accepted"):
        accept_losses(LOSING, ALL, Screen(), yes=False)


def test_a_question_within_a_stage_stays_visible(answering):
    streams, screen = answering("yes\n"), Screen()

    with screen.working("deploying"):
        accept_losses(LOSING, NOTHING, screen, yes=False)

    assert "Type 'yes' to accept it:" in streams.stderr.getvalue()


def test_yes_asks_nothing_and_still_needs_allow(answering):
    streams = answering("yes\n")

    accept_losses(LOSING, ALL, Screen(), yes=True)
    with pytest.raises(PlanRefused, match="--allow replace:ALERTS"):
        accept_losses(LOSING, NOTHING, Screen(), yes=True)

    assert "Type" not in streams.stderr.getvalue()


@pytest.mark.parametrize("as_json", [False, True])
def test_without_a_terminal_options_decide(monkeypatch, as_json):
    monkeypatch.setattr(output.sys, "stdin", io.StringIO("yes\n"))
    screen = Screen(as_json=as_json)

    accept_losses(LOSING, ALL, screen, yes=False)
    with pytest.raises(PlanRefused, match="--allow replace:ALERTS"):
        accept_losses(LOSING, NOTHING, screen, yes=False)


def test_a_plan_without_losses_asks_nothing(answering):
    streams = answering("")

    accept_losses(HARMLESS, NOTHING, Screen(), yes=False)

    assert streams.stderr.getvalue() == ""


def test_the_answer_that_is_asked_for_is_the_one_that_counts(answering):
    streams = answering(f"{losses.ANSWER}\n")

    accept_losses(LOSING, NOTHING, Screen(), yes=False)

    assert f"Type {losses.ANSWER!r}" in streams.stderr.getvalue()
