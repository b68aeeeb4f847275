"""`secure`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bifrost.cli.consent import ConfirmedOption, DryRunOption, require_consent
from bifrost.cli.options import JsonOption, TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.errors import ComponentError
from bifrost.operations.action_log import account_name, action_log_of
from bifrost.security.console_password import USER
from bifrost.security.rotation_state import RotatedKinds
from bifrost.security.secure_folder import SecureFolder, secure_folder
from bifrost.settings import Settings

ACTIONS = ("show", "rotate", "password")


def command(
    action: Annotated[str, typer.Argument(help="show, rotate or password.")],
    certificates: Annotated[bool, typer.Option("--certificates", help="Rotate the certificates only.")] = False,
    passwords: Annotated[bool, typer.Option("--passwords", help="Rotate the passwords only.")] = False,
    dry_run: DryRunOption = False,
    yes: ConfirmedOption = False,
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Show or rotate the certificates and passwords of a secured platform."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"{action!r} is not one of {', '.join(ACTIONS)}", param_hint="ACTION")
    if action != "rotate" and (certificates or passwords or dry_run):
        raise typer.BadParameter("--certificates, --passwords and --dry-run are for rotate", param_hint="ACTION")
    settings, screen = settings_for(target), Screen(as_json=as_json)
    require_embedded(settings, "secure")
    folder = _existing_folder(settings)
    match action:
        case "show":
            _show(folder, screen)
        case "rotate":
            both = certificates == passwords
            kinds = RotatedKinds(certificates or both, passwords or both)
            if dry_run:
                screen.lines(_announced(folder, kinds))
            else:
                _rotate(folder, settings, screen, kinds, yes=yes)
        case _:
            _renew_password(folder, settings, screen)


def _existing_folder(settings: Settings) -> SecureFolder:
    folder = secure_folder(settings)
    if not folder.authority_certificate.exists():
        problem = f"{folder.root} has no certificates: `up --secure` makes them, and starts a secured platform"
        raise ComponentError("security", problem)
    return folder


def _show(folder: SecureFolder, screen: Screen) -> None:
    from bifrost.security.inventory import inventory, inventory_lines

    found = inventory(folder, datetime.now(UTC))
    if screen.as_json:
        screen.json(found)
    else:
        screen.lines(inventory_lines(found))


def _announced(folder: SecureFolder, kinds: RotatedKinds) -> tuple[str, ...]:
    if (began := folder.rotation.state()) is not None:
        return (f"The rotation of {began.kinds} that began {began.began} continues.",)
    return (
        f"All {kinds} of {folder.root} are replaced.",
        "If the platform runs, each part restarts up to three times, one after another; records wait.",
        f"Other clients then need the new files of this folder; the password of {USER} stays.",
    )


def _rotate(folder: SecureFolder, settings: Settings, screen: Screen, kinds: RotatedKinds, *, yes: bool) -> None:
    from bifrost.cli.rotating import continue_running_rotation
    from bifrost.supervisor.launch import start_lock

    log = action_log_of(settings)
    with start_lock(settings):
        began, announced = folder.rotation.state(), _announced(folder, kinds)
        if began is None:
            require_consent(announced, screen, yes=yes)
        else:
            kinds = began.kinds
            screen.progress(f"continuing the rotation of {kinds} that began {began.began}")
        with log.logged(account_name(), "secure rotate", str(kinds), announced) as result:
            if began is None:
                folder.begin_rotation(datetime.now(UTC), kinds)
            restarted = continue_running_rotation(folder, settings, screen)
            result.text = f"{restarted or 0} restarts."
    if screen.as_json:
        screen.json({"rotated": list(kinds.names), "restarts": restarted or 0, "seconds": round(screen.seconds, 1)})
        return
    where = " The platform does not run; `up` starts it with them." if restarted is None else ""
    screen.say(f"Rotated {kinds} in {screen.seconds:.0f} s.{where}")


def _renew_password(folder: SecureFolder, settings: Settings, screen: Screen) -> None:
    lines = (f"Give {USER} another password for the console.",)
    with action_log_of(settings).logged(account_name(), "secure password", USER, lines):
        password = folder.console_password.renew()
    if screen.as_json:
        screen.json({"user": USER, "password": password, "console": settings.endpoints.console})
        return
    screen.say(f"Log in to the console ({settings.endpoints.console}) as {USER} with the password {password}")
    screen.say("It is shown only now. The earlier password and its sessions have ended.")
