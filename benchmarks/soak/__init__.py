"""A long run of a whole platform under load: what grows without end."""
