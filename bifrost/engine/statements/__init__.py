"""Carries out statements that change or show the engine's state, and holds their results."""
