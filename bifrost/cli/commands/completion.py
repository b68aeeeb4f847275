"""`completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from bifrost.cli.environment import program_name
from bifrost.cli.options import TargetOption, settings_for
from bifrost.cli.output import Screen

# Each asks the command itself, through the variables that typer reads. `env` sets the first one, whose name has a dot.
SCRIPTS = {
    "bash": """_bifrost_completion() {{
    local IFS=$'\\n'
    COMPREPLY=( $( env '{variable}=complete_bash' COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {command} \\
        2>/dev/null ) )
}}
complete -o default -F _bifrost_completion {name}""",
    "zsh": """_bifrost_completion() {{
    eval $(env '{variable}=complete_zsh' _TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {command} 2>/dev/null)
}}
compdef _bifrost_completion {name}""",
    "fish": """function _bifrost_completion
    env '{variable}=complete_fish' _TYPER_COMPLETE_FISH_ACTION=$argv[1] _TYPER_COMPLETE_ARGS=(commandline -cp) \\
        {command} 2>/dev/null
end
complete --command {name} --no-files --condition '_bifrost_completion is-args' \\
    --arguments '(_bifrost_completion get-args)'""",
}


def command(
    shell: Annotated[str, typer.Argument(help=f"{', '.join(SCRIPTS)}.")],
    target: TargetOption = None,
) -> None:
    """Print the script that makes a shell complete commands, options and live names."""
    if shell not in SCRIPTS:
        raise typer.BadParameter(f"{shell!r} is not one of {', '.join(SCRIPTS)}", param_hint="SHELL")
    name = program_name()
    path = settings_for(target).project / "scripts" / name
    variable = f"_{name}_COMPLETE".upper()
    quoted = "'" + str(path).replace("'", "'\\''") + "'"
    Screen().say(SCRIPTS[shell].format(variable=variable, command=quoted if path.is_file() else name, name=name))
