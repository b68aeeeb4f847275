"""Aggregate functions by family."""
