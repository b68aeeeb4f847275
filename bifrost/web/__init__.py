"""What the HTTP servers of the project share."""
