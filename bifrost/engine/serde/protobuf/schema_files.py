"""Protobuf descriptors created at run time from `.proto` texts, without protoc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from antlr4.error.ErrorListener import ErrorListener
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from proto_schema_parser import ast
from proto_schema_parser.parser import Parser

from bifrost.engine.serde.errors import SerdeError

_KNOWN_MODULES = (
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
_KNOWN_TEXTS = {
    "google/type/date.proto": """syntax = "proto3"; package google.type;
        message Date { int32 year = 1; int32 month = 2; int32 day = 3; }""",
    "google/type/timeofday.proto": """syntax = "proto3"; package google.type;
        message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }""",
    "confluent/type/decimal.proto": """syntax = "proto3"; package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }""",
}
_FieldProto = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in _FieldProto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}
_LABELS = {
    ast.FieldCardinality.REQUIRED: _FieldProto.LABEL_REQUIRED,
    ast.FieldCardinality.REPEATED: _FieldProto.LABEL_REPEATED,
}


@dataclass(frozen=True, slots=True)
class ProtoFile:
    """A `.proto` file's messages, and its decimals as stated by Confluent's field options.

    `decimals` maps full message name and field to precision and scale.
    """

    messages: tuple[Descriptor, ...]
    decimals: Mapping[tuple[str, str], tuple[int, int]]
    package: str = ""

    def message(self, name: str | None) -> Descriptor:
        """Return the message of that full name, or the first message without a name.

        Raises:
            SerdeError: it does not exist.
        """
        if not self.messages:
            raise SerdeError("The Protobuf schema has no message")
        if name is None:
            return self.messages[0]
        pending = list(self.messages)
        while pending:
            message = pending.pop()
            if message.full_name == name:
                return message
            pending += message.nested_types
        raise SerdeError(f"The Protobuf schema has no message {name}")


@dataclass(slots=True)
class _FileBuild:
    """What is collected while one text is converted to descriptors."""

    decimals: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def proto_file(text: str, imports: Mapping[str, str] | None = None) -> ProtoFile:
    """Build the messages of a `.proto` text; `imports` are texts by import name.

    Raises:
        SerdeError: it is not a `.proto` text, or it uses unknown names.
    """
    pool, build = DescriptorPool(), _FileBuild()
    for module in _KNOWN_MODULES:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    present = {module.DESCRIPTOR.name for module in _KNOWN_MODULES}
    texts = _KNOWN_TEXTS | dict(imports or {})
    for name in texts:
        _add(pool, name, texts, present, build, ())
    made = _add_file(pool, "schema.proto", text, texts, present, build, ())
    # Look messages up by name: the pool, not the file's descriptor, defines their order.
    prefix = f"{made.package}." if made.package else ""
    messages = tuple(pool.FindMessageTypeByName(prefix + message.name) for message in made.message_type)
    return ProtoFile(messages, build.decimals, made.package)


def _add(
    pool: DescriptorPool,
    name: str,
    texts: Mapping[str, str],
    present: set[str],
    build: _FileBuild,
    above: tuple[str, ...],
) -> None:
    if name in present or name not in texts:
        return
    if name in above:
        raise SerdeError(f"Protobuf schema: {name} imports itself")
    _add_file(pool, name, texts[name], texts, present, build, (*above, name))


def _add_file(
    pool: DescriptorPool,
    name: str,
    text: str,
    texts: Mapping[str, str],
    present: set[str],
    build: _FileBuild,
    above: tuple[str, ...],
) -> descriptor_pb2.FileDescriptorProto:
    tree = _parse(text)
    for element in tree.file_elements:
        if isinstance(element, ast.Import):
            _add(pool, element.name, texts, present, build, above)
    try:
        proto = _file_proto(tree, name, present, build)
        pool.Add(proto)
    except (TypeError, ValueError) as error:  # numbers out of range, and what the pool refuses
        raise SerdeError(f"Not a Protobuf schema: {error}") from error
    present.add(name)
    return proto


class _RaisingErrorListener(ErrorListener):  # type: ignore[misc]
    """Raises the parser's messages as errors; by default the parser prints them to the console."""

    def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, message: str, error: Any) -> NoReturn:
        raise SerdeError(f"Not a Protobuf schema: line {line}:{column} {message}")


def _refuse(recognizer: Any) -> None:
    recognizer.removeErrorListeners()
    recognizer.addErrorListener(_RaisingErrorListener())


def _parse(text: str) -> ast.File:
    try:
        return Parser(setup_lexer=_refuse, setup_parser=_refuse).parse(text)
    except (ValueError, RecursionError) as error:
        raise SerdeError(f"Not a Protobuf schema: {error}") from error


def _file_proto(tree: ast.File, name: str, present: set[str], build: _FileBuild) -> descriptor_pb2.FileDescriptorProto:
    proto = descriptor_pb2.FileDescriptorProto(name=name, syntax=tree.syntax or "proto2")
    if proto.syntax == "proto2":
        proto.ClearField("syntax")
    # Messages come second, because their full names begin with the package, which may stand anywhere.
    for element in tree.file_elements:
        match element:
            case ast.Package():
                proto.package = element.name
            case ast.Import() if element.name in present:
                proto.dependency.append(element.name)
                if element.public:
                    proto.public_dependency.append(len(proto.dependency) - 1)
            case ast.Enum():
                _enum(proto.enum_type.add(), element)
            case _:
                pass
    for element in tree.file_elements:
        if isinstance(element, ast.Message):
            scope = f"{proto.package}." if proto.package else ""
            _MessageMaker(proto.syntax == "proto3", build).message(proto.message_type.add(), element, scope)
    return proto


def _enum(proto: descriptor_pb2.EnumDescriptorProto, enum: ast.Enum) -> None:
    proto.name = enum.name
    for element in enum.elements:
        match element:
            case ast.EnumValue():
                proto.value.add(name=element.name, number=element.number)
            case ast.Option(name="allow_alias"):
                proto.options.allow_alias = bool(element.value)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _MessageMaker:
    """Fills message descriptors from their trees."""

    is_proto3: bool
    build: _FileBuild

    def message(self, proto: descriptor_pb2.DescriptorProto, message: ast.Message, scope: str) -> None:
        """Fill one message and what is nested in it."""
        proto.name = message.name
        inner = f"{scope}{message.name}."
        optional: list[descriptor_pb2.FieldDescriptorProto] = []
        for element in message.elements:
            match element:
                case ast.Field():
                    made = self.field(proto, element, inner)
                    if self.is_proto3 and element.cardinality is ast.FieldCardinality.OPTIONAL:
                        optional.append(made)
                case ast.MapField():
                    _map_field(proto, element)
                case ast.OneOf():
                    proto.oneof_decl.add(name=element.name)
                    self.members(proto, element, inner)
                case ast.Message():
                    self.message(proto.nested_type.add(), element, inner)
                case ast.Enum():
                    _enum(proto.enum_type.add(), element)
                case ast.Group():
                    raise SerdeError(f"Protobuf schema: the group {element.name} cannot be a column")
                case _:
                    pass
        _add_presence(proto, optional)

    def members(self, proto: descriptor_pb2.DescriptorProto, oneof: ast.OneOf, scope: str) -> None:
        """Add the fields of the oneof that was declared last."""
        for element in oneof.elements:
            if isinstance(element, ast.Field):
                self.field(proto, element, scope).oneof_index = len(proto.oneof_decl) - 1

    def field(
        self, proto: descriptor_pb2.DescriptorProto, field: ast.Field, scope: str
    ) -> descriptor_pb2.FieldDescriptorProto:
        """Add one field; the pool resolves any type that is not a scalar."""
        # Set an explicit JSON name, which nothing uses: the derived names of A_B and AB would clash.
        made = proto.field.add(name=field.name, number=field.number, json_name=field.name)
        made.label = _FieldProto.LABEL_OPTIONAL
        if field.cardinality is not None:
            made.label = _LABELS.get(field.cardinality, made.label)
        _set_type(made, field.type)
        parameters = _meta_parameters(field.options)
        if "precision" in parameters or "scale" in parameters:
            size = int(parameters.get("precision", 64)), int(parameters.get("scale", 0))
            self.build.decimals[scope.removesuffix("."), field.name] = size
        return made


def _set_type(made: descriptor_pb2.FieldDescriptorProto, name: str) -> None:
    if name in _SCALARS:
        made.type = _SCALARS[name]
    else:
        made.type_name = name


def _map_field(proto: descriptor_pb2.DescriptorProto, field: ast.MapField) -> None:
    # protoc gives the entry's type this name, and descriptor pools may check it.
    entry = "".join(part.capitalize() if part.islower() else part for part in field.name.split("_")) + "Entry"
    nested = proto.nested_type.add(name=entry)
    nested.options.map_entry = True
    for name, number, kind in (("key", 1, field.key_type), ("value", 2, field.value_type)):
        _set_type(nested.field.add(name=name, number=number, label=_FieldProto.LABEL_OPTIONAL), kind)
    made = proto.field.add(name=field.name, number=field.number, label=_FieldProto.LABEL_REPEATED)
    made.json_name = field.name
    made.type_name = entry


def _add_presence(proto: descriptor_pb2.DescriptorProto, optional: list[descriptor_pb2.FieldDescriptorProto]) -> None:
    """Mark proto3's `optional` fields: each becomes a separate oneof, after the real ones."""
    for made in optional:
        made.proto3_optional = True
        made.oneof_index = len(proto.oneof_decl)
        proto.oneof_decl.add(name=f"_{made.name}")


def _meta_parameters(options: list[ast.Option]) -> dict[str, str]:
    """The parameters of `(confluent.field_meta)`: pairs of key and value."""
    found: dict[str, str] = {}
    for option in options:
        if option.name != "(confluent.field_meta)" or not isinstance(option.value, ast.MessageLiteral):
            continue
        for member in _members(option.value):
            if member.name == "params":
                entries = member.value if isinstance(member.value, list) else [member.value]
                for entry in entries:
                    if isinstance(entry, ast.MessageLiteral):
                        pair = {part.name: str(part.value) for part in _members(entry)}
                        found[pair.get("key", "")] = pair.get("value", "")
    return found


def _members(literal: ast.MessageLiteral) -> list[ast.MessageLiteralField]:
    return [element for element in literal.elements if isinstance(element, ast.MessageLiteralField)]
