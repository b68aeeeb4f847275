"""What generated code calls: aggregators, joiners, windows."""
