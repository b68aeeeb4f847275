"""The state of queries: stores in memory and on disk, their changelog records, and the codec of both."""
