"""Runs all benchmarks one after another, and writes their figures as a page."""
