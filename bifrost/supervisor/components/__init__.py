"""One file per component of the embedded target."""
