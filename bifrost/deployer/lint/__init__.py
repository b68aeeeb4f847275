"""Known traps in declarations: each rule has a code, an explanation, and can be silenced in the file."""
