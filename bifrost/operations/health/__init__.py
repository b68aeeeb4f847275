"""What support would ask for: checks of the machine, the parts and what they run, and a report without secrets."""
