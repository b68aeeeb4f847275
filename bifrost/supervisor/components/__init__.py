"""The components of the embedded platform, one module each: how they are configured, run and found ready."""
