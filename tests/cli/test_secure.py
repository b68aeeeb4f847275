"""`secure`, and what `up` says about the login of a secured platform."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from bifrost.cli import bringing_up
from bifrost.security.roles import DEPLOYER
from bifrost.security.rotation_state import RotatedKinds
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


def test_show_lists_what_ends_when_and_no_secret(run, folder):
    found = run("secure", "show")
    assert found.code == 0
    assert re.search(r"^authority +ends \d{4}-\d\d-\d\d \(36[45]\d days\)  Bifrost local authority", found.out)
    assert "(396 days)  localhost, 127.0.0.1" in found.out
    assert "admin has no password; `secure password` makes one" in found.out
    as_json = run("secure", "show", "--json").out
    shown = json.loads(as_json)
    assert (shown["servers"]["names"], shown["rotation"]) == (["localhost", "127.0.0.1"], None)
    passwords = json.loads((folder.root / "passwords.json").read_text()).values()
    assert not [password for password in passwords if password in found.out + as_json]


def test_a_rotation_is_announced_and_needs_consent(run, folder):
    before = folder.authority_certificate.read_bytes(), folder.password(DEPLOYER)
    for arguments in ((), ("--dry-run",)):
        found = run("secure", "rotate", *arguments)
        assert found.code == (0 if arguments else 1)
        assert "All certificates and passwords of" in found.out + found.err
    assert (folder.authority_certificate.read_bytes(), folder.password(DEPLOYER)) == before
    assert folder.rotation.state() is None


@pytest.mark.parametrize("option", [(), ("--certificates",), ("--passwords",)])
def test_a_platform_that_is_stopped_gets_other_certificates_and_passwords_without_a_restart(run, folder, option):
    before = folder.authority_certificate.read_bytes(), folder.password(DEPLOYER)
    found = run("secure", "rotate", *option, "--yes")
    assert found.code == 0, found.err
    assert "The platform does not run; `up` starts it with them." in found.out
    after = folder.authority_certificate.read_bytes(), folder.password(DEPLOYER)
    assert [old != new for old, new in zip(before, after, strict=True)] == [
        option != ("--passwords",),
        option != ("--certificates",),
    ]
    assert run("secure", "rotate", "--yes", "--json").code == 0


def test_a_rotation_that_was_interrupted_is_shown_and_continued(run, folder):
    folder.begin_rotation(datetime.now(UTC), RotatedKinds(certificates=False, passwords=True))
    assert "stage accept; `secure rotate` continues it" in run("secure", "show").out
    found = json.loads(run("secure", "rotate", "--json").out)
    assert (found["rotated"], found["restarts"]) == (["passwords"], 0)
    assert json.loads(run("secure", "show", "--json").out)["rotation"] is None


def test_a_rotation_of_a_running_platform_without_a_restart_left_does_not_call_it_stopped(run, folder, monkeypatch):
    monkeypatch.setattr("bifrost.cli.rotating.continue_running_rotation", lambda *_: 0)
    found = run("secure", "rotate", "--yes")
    assert found.code == 0, found.err
    assert "does not run" not in found.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("hide",), "'hide' is not one of"),
        (("password", "--target", "remote"), "embedded"),
        (("show", "--passwords"), "--dry-run"),
    ],
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
