"""The AVRO format."""
