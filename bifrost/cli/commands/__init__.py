"""One module per command, named after it, each with a function `command`; imported when the command is run."""
