"""Statements that change or show the engine's state."""
