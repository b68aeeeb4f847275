"""Declared and live state, the plan between them, and its carrying out."""
