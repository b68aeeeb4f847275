#!/usr/bin/env python3
"""Bifrost's command. It creates its Python environment on first use, then runs the command: see `deploy.py --help`."""

import sys

if sys.version_info < (3, 11):  # the code below needs it
    sys.exit("scripts/deploy.py: needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])

from bootstrap import PROJECT, become, ensure_environment, ensure_parts

from bifrost import settings as project_settings
from bifrost.errors import BifrostError
from bifrost.settings import Settings
from bifrost.supervisor.install.system_parts import ENVIRONMENT_PARTS, PLATFORM_PARTS

OPTIONS_WITH_VALUE = ("--target", "--env")


def main(arguments: list[str]) -> int:
    """Install what the command needs and run it with `bifrost.cli`; return 1 if the installation fails."""
    try:
        settings = project_settings.load(PROJECT, project_settings.environment_in(arguments))
        parts = [*ENVIRONMENT_PARTS, *(PLATFORM_PARTS if starts_platform(arguments, settings) else ())]
        ensure_parts(settings, parts)
        python = ensure_environment(settings, dev=False)
    except BifrostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    become(settings, python, ("-m", "bifrost.cli", *arguments))


def starts_platform(arguments: list[str], settings: Settings) -> bool:
    """Whether these arguments start the embedded platform, the only command that needs the platform's system parts."""
    command, target = "", settings.get("BIFROST_TARGET", "embedded")
    rest = iter(arguments)
    for argument in rest:
        if argument in OPTIONS_WITH_VALUE:
            value = next(rest, "")
            target = value if argument == "--target" else target
        elif argument.startswith("--target="):
            target = argument.removeprefix("--target=")
        elif not argument.startswith("-"):
            command = command or argument
    return command == "up" and target == "embedded" and "--help" not in arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
