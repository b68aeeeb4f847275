"""Figures of the programs: counting them, and serving them at `/metrics` for Prometheus."""
