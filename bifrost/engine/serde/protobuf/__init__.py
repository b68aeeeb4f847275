"""The PROTOBUF and PROTOBUF_NOSR formats."""
