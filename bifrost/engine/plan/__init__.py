"""A query's execution steps as frozen data, and the plan as text and as JSON."""
