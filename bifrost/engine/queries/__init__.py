"""Persistent, push and pull queries, PRINT, and rows inserted one by one."""
