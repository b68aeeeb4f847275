"""Breaks each kind of thing that the platform runs, and judges what its watcher makes of that."""
