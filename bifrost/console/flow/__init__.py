"""The pipelines as a graph: what is read from the live system, who owns which part, and what that means."""
