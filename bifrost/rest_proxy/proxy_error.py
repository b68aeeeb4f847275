"""The error codes and messages of Confluent's REST Proxy: `{"error_code": 40401, "message": "Topic not found."}`."""

from __future__ import annotations

from bifrost.errors import BifrostError

TOPIC_NOT_FOUND = (40401, "Topic not found.")
PARTITION_NOT_FOUND = (40402, "Partition not found.")
INSTANCE_NOT_FOUND = (40403, "Consumer instance not found.")
FORMAT_MISMATCH = (
    40601,
    "The requested embedded data format does not match the deserializer for this consumer instance",
)
ILLEGAL_STATE = 40903
EXCLUSIVE = (ILLEGAL_STATE, "Illegal state: Subscription to topics, partitions and pattern are mutually exclusive")
TOO_MANY_INSTANCES = (42901, "Too many consumer instances. Delete the unused ones.")
INSTANCE_EXISTS = (40902, "Consumer with specified consumer ID already exists in the specified consumer group.")
NO_KEY_SCHEMA = (42201, "Request includes keys but does not include key schema")
NO_VALUE_SCHEMA = (42202, "Request includes values but does not include value schema")
BAD_CONSUMER = 42204
CONVERSION_FAILED = 42203
SCHEMA_FAILED = 40801
KAFKA_ERROR = 50002
RETRIABLE = 50003


class ProxyError(BifrostError):
    """The error of a refused request; the first three digits of a long code are the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.code if self.code < 1000 else self.code // 100
