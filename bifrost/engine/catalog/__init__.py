"""What the engine knows: streams and tables with their schemas, and the topics under them."""
