"""Compiles query plans to record functions: generated Python that reads, filters, joins, aggregates and writes."""
