"""One module per outside API; every call has a deadline and fails with a `RemoteError`."""
