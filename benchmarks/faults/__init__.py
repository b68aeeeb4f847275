"""Faults of a whole platform under load, and what is lost, doubled or out of order at its far ends."""
