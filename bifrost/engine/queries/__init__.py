"""Persistent, push and pull queries: what runs, and how people get rows out of it."""
