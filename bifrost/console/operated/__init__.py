"""What the pages operate: the target's clients, actions that wait for a confirmation, and how errors are reported."""
