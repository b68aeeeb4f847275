"""The state of queries: stores in memory, their changelog records, and the codec of both."""
