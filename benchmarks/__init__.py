"""Measurements against the running platform, and beside peers. Run with `python -m benchmarks.<name>`."""
