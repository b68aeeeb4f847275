"""`secure`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.options import JsonOption, TargetOption, require_embedded, settings_for
from bifrost.cli.output import Screen
from bifrost.errors import ComponentError
from bifrost.security.console_password import USER
from bifrost.security.secure_folder import SecureFolder, secure_folder
from bifrost.settings import Settings

ACTIONS = ("password",)


def command(
    action: Annotated[str, typer.Argument(help="password.")],
    as_json: JsonOption = False,
    target: TargetOption = None,
) -> None:
    """Make and show another password for the console of a secured platform."""
    if action not in ACTIONS:
        raise typer.BadParameter(f"{action!r} is not one of {', '.join(ACTIONS)}", param_hint="ACTION")
    settings, screen = settings_for(target), Screen(as_json=as_json)
    require_embedded(settings, "secure")
    _renew_password(_existing_folder(settings), settings, screen)


def _existing_folder(settings: Settings) -> SecureFolder:
    folder = secure_folder(settings)
    if not folder.authority_certificate.exists():
        problem = f"{folder.root} has no certificates: `up --secure` makes them, and starts a secured platform"
        raise ComponentError("security", problem)
    return folder


def _renew_password(folder: SecureFolder, settings: Settings, screen: Screen) -> None:
    password = folder.console_password.renew()
    if screen.as_json:
        screen.json({"user": USER, "password": password, "console": settings.endpoints.console})
        return
    screen.say(f"Log in to the console ({settings.endpoints.console}) as {USER} with the password {password}")
    screen.say("It is shown only now. The earlier password and its sessions have ended.")
