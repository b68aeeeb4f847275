"""Where queries keep what they remember: stores in memory, their changelog records, and the codec of both."""
