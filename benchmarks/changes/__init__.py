"""A year of changes to the declarations of a running platform."""
