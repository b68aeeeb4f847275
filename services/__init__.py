"""Programs that tell people."""
