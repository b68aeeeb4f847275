"""Radio frames to records."""
