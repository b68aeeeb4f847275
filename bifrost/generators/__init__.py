"""Load generators for demos and benchmarks."""
