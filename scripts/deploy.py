#!/usr/bin/env python3
"""Bifrost's command: makes its own environment on first use, then does what it is asked. See `deploy.py --help`."""

import sys

if sys.version_info < (3, 11):  # everything from here on is written for it
    sys.exit("scripts/deploy.py: needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])

from bootstrap import PROJECT, become, ensure_environment, ensure_parts

from bifrost import settings as project_settings
from bifrost.errors import BifrostError
from bifrost.settings import Settings
from bifrost.supervisor.install.system_parts import ENVIRONMENT_PARTS, PLATFORM_PARTS

WITH_VALUE = ("--target", "-t")


def main(arguments: list[str]) -> int:
    """Prepare what the command at hand needs and hand over to `bifrost.cli`; 1 when that is not possible."""
    try:
        settings = project_settings.load(PROJECT)
        parts = [*ENVIRONMENT_PARTS, *(PLATFORM_PARTS if starts_platform(arguments, settings) else ())]
        ensure_parts(settings, parts)
        python = ensure_environment(settings, dev=False)
    except BifrostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    become(settings, python, ("-m", "bifrost.cli", *arguments))


def starts_platform(arguments: list[str], settings: Settings) -> bool:
    """Whether these arguments start the embedded platform; no other command needs its system parts."""
    command, target = "", settings.get("BIFROST_TARGET", "embedded")
    rest = iter(arguments)
    for argument in rest:
        if argument in WITH_VALUE:
            target = next(rest, "")
        elif argument.startswith("--target="):
            target = argument.removeprefix("--target=")
        elif not argument.startswith("-"):
            command = command or argument
    return command == "up" and target == "embedded" and "--help" not in arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
