"""CREATE, ALTER and DROP of sources and types."""
