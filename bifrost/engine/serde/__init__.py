"""Serialization in all of ksqlDB's formats, and conversion between schemas and columns."""

from bifrost.engine.serde.errors import RegistryUnavailable, SerdeError
from bifrost.engine.serde.formats import validate_format
from bifrost.engine.serde.inference import infer_columns
from bifrost.engine.serde.record_part import Decoder, Encoder
from bifrost.engine.serde.schema_registry import InMemoryRegistry, RegisteredSchema, SchemaReference, SchemaRegistry
from bifrost.engine.serde.serdes import Serdes
from bifrost.engine.serde.windowed_key import split_windowed_key, windowed_key

__all__ = [
    "Decoder",
    "Encoder",
    "InMemoryRegistry",
    "RegisteredSchema",
    "RegistryUnavailable",
    "SchemaReference",
    "SchemaRegistry",
    "SerdeError",
    "Serdes",
    "infer_columns",
    "split_windowed_key",
    "validate_format",
    "windowed_key",
]
