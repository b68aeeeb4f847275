"""`secure`, and what `up` says about the login of a secured platform."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bifrost.cli import bringing_up
from bifrost.security.secure_folder import SecureFolder


@pytest.fixture
def folder(project) -> SecureFolder:
    made = SecureFolder(project.root / "home" / "secure")
    made.prepare(datetime.now(UTC))
    return made


def test_a_password_is_made_and_shown_and_the_earlier_one_ends(run, folder):
    first = run("secure", "password").out
    shown = first.split("password ")[1].splitlines()[0]
    assert folder.console_password.matches(shown)

    found = json.loads(run("secure", "password", "--json").out)
    assert folder.console_password.matches(found["password"])
    assert (found["user"], found["password"] == shown) == ("admin", False)


def test_a_home_that_was_never_secured_is_named(run):
    found = run("secure", "password")
    assert (found.code, found.out) == (1, "")
    assert "has no certificates: `up --secure` makes them" in found.err


@pytest.mark.parametrize(
    ("arguments", "problem"), [(("hide",), "'hide' is not one of"), (("password", "--target", "remote"), "embedded")]
)
def test_wrong_arguments_are_refused(run, arguments, problem):
    found = run("secure", *arguments)
    assert found.code == 2
    assert problem in found.err


def test_up_shows_the_first_password_on_a_terminal_only_and_once(run, folder, monkeypatch):
    up = ("up", "--secure", "--no-demo", "--yes")
    found = run(*up)
    assert found.code == 0, found.err
    assert "`secure password` makes and shows the password with which admin logs in" in found.out
    run(*up, "--json")
    assert folder.console_password.version == ""

    monkeypatch.setattr(bringing_up.Screen, "is_terminal", property(lambda _screen: True))
    (line,) = [line for line in run(*up).out.splitlines() if "with the password" in line]
    assert folder.console_password.matches(line.rpartition(" ")[2])
    again = run(*up).out
    assert "with the password" not in again
    assert "If the password is lost, `secure password`" in again
