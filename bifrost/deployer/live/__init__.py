"""What runs on a target, as values."""
