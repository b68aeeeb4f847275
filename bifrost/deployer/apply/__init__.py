"""Carrying a plan out, and waiting until everything runs."""
