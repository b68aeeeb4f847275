"""Measurements of the running platform, and comparisons with other programs. Run `python -m benchmarks.<name>`."""
