"""Generates the code of execution steps: one module per step or family of steps."""
