"""The embedded target's child processes."""
