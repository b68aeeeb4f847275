"""Java's dates and times: texts, patterns, zones."""
