"""Services: started, restarted after a failure, and after their program was changed."""

import os
import time

from bifrost.deployer.plan.actions import ActionKind

FILE = "services/ratings_bot.py"


def service(plan):
    return next(action for action in plan.actions if action.name == "ratings_bot")


def touch(path):
    """As if it was written a minute from now, since a service starts within a moment."""
    os.utime(path, (time.time() + 60, time.time() + 60))


def test_a_service_whose_module_changed_is_restarted(project, fakes):
    fakes.up(project.declared())
    touch(project.write(FILE, "def main() -> None: print()\n"))

    action = service(fakes.plan(project.declared()))

    assert action.kind is ActionKind.UPDATE
    assert (
        action.reason == "its program was changed after it started: restarts, and continues from its committed offsets"
    )


def test_a_service_whose_imported_module_changed_is_restarted(project, fakes):
    project.write(FILE, "from services.bot.words import x\ndef main() -> None: ...\n")
    project.write("services/bot/words.py", "from services.shared import y\n")
    shared = project.write("services/shared.py", "y = 1\n")
    project.write("services/other.py", "z = 1\n")
    fakes.up(project.declared())
    assert service(fakes.plan(project.declared())).kind is ActionKind.KEEP

    touch(project.root / "services/other.py")
    assert service(fakes.plan(project.declared())).kind is ActionKind.KEEP

    touch(shared)
    assert service(fakes.plan(project.declared())).kind is ActionKind.UPDATE


def test_a_changed_program_is_not_restarted_twice(project, fakes):
    fakes.up(project.declared())
    path = project.write(FILE, "def main() -> None: print()\n")
    os.utime(path, (time.time() + 0.001, time.time() + 0.001))

    fakes.up(project.declared())

    assert fakes.plan(project.declared()).changes == ()
