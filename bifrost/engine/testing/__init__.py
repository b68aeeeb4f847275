"""Runs statements and records without a broker: the driver, test files, the offline check, conformance."""
