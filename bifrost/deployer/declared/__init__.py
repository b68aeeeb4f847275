"""What the declaration files say must run, and how they are read."""
