"""The stateful operators that generated code calls: aggregators and joiners."""
