"""State on disk: one LMDB database per task, and the stores that keep their rows in it."""
