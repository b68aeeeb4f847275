"""Load for demos and benchmarks."""
