"""Schemas: which changes the registry accepts, and which field breaks which rule."""

import json

import pytest

from bifrost.deployer.plan.avro_compatibility import broken_rules
from bifrost.errors import Refused
from tests.deployer.conftest import FIELDS, RATINGS_SCHEMA
from tests.fakes.http_server import Fault

FILE = "topics/schemas/ratings-value.avsc"
CHANNEL = {"name": "channel", "type": "string"}
CHANGED = {**RATINGS_SCHEMA, "fields": [*FIELDS, CHANNEL]}


def record(*fields):
    return {
        "type": "record",
        "name": "R",
        "fields": [{"name": name, "type": kind, **more} for name, kind, more in fields],
    }


A_INT, A_LONG, A_TEXT = (record(("a", kind, {})) for kind in ("int", "long", "string"))
WITH_B = record(("a", "int", {}), ("b", "string", {}))
WITH_B_DEFAULT = record(("a", "int", {}), ("b", "string", {"default": ""}))
NULLABLE = record(("a", ["null", "int"], {}))
NESTED = record(("n", {"type": "record", "name": "N", "fields": [{"name": "x", "type": "int"}]}, {}))
NESTED_TEXT = record(("n", {"type": "record", "name": "N", "fields": [{"name": "x", "type": "string"}]}, {}))
SMALL, LARGE = (record(("e", {"type": "enum", "name": "E", "symbols": list(letters)}, {})) for letters in ("AB", "ABC"))
LIST = record(("l", {"type": "array", "items": "int"}, {}))
LIST_TEXT = record(("l", {"type": "array", "items": "string"}, {}))
TREE = record(("next", ["null", "R"], {}), ("a", "int", {}))


@pytest.mark.parametrize(
    ("declared", "live", "rule", "expected"),
    [
        (WITH_B_DEFAULT, A_INT, "FULL", ()),
        (WITH_B, A_INT, "BACKWARD", ("field b is new and has no default, so earlier records cannot be read",)),
        (WITH_B, A_INT, "FORWARD", ()),
        (A_INT, WITH_B, "BACKWARD", ()),
        (
            A_INT,
            WITH_B,
            "FORWARD_TRANSITIVE",
            ("field b was removed and had no default, so programs with the earlier schema cannot read new records",),
        ),
        (A_LONG, A_INT, "BACKWARD", ()),
        (A_LONG, A_INT, "FULL", ("field a: long cannot be read as int",)),
        (A_TEXT, A_INT, "BACKWARD_TRANSITIVE", ("field a: int cannot be read as string",)),
        (NULLABLE, A_INT, "BACKWARD", ()),
        (A_INT, NULLABLE, "BACKWARD", ("field a: null cannot be read as int",)),
        (NESTED_TEXT, NESTED, "BACKWARD", ("field n.x: int cannot be read as string",)),
        (SMALL, LARGE, "BACKWARD", ("field e: the values C are unknown to the reader",)),
        (LARGE, SMALL, "BACKWARD", ()),
        (LIST_TEXT, LIST, "BACKWARD", ("field l[]: int cannot be read as string",)),
        (TREE, TREE, "FULL", ()),
        ("string", "int", "BACKWARD", ("the value: int cannot be read as string",)),
        (A_TEXT, A_INT, "NONE", ()),
    ],
)
def test_which_fields_break_a_rule(declared, live, rule, expected):
    assert broken_rules(json.dumps(declared), json.dumps(live), rule) == expected


def test_schemas_that_are_no_json_are_left_to_the_registry():
    assert broken_rules('"int"', "syntax = proto3", "BACKWARD") == ()


def subject(plan):
    return next(action for action in plan.actions if action.name == "ratings-value")


def test_a_compatible_schema_is_registered_and_its_readers_are_named(project, fakes):
    fakes.up(project.declared())
    project.write(FILE, {**RATINGS_SCHEMA, "fields": [*FIELDS, {**CHANNEL, "default": ""}]})

    plan, _ = fakes.up(project.declared())

    assert subject(plan).loss == ()
    assert subject(plan).reason == "field channel is not live; RATINGS keeps its columns until it is created again"
    assert len(fakes.registry.versions["ratings-value"]) == 2


def test_an_incompatible_schema_names_field_and_rule_before_anything_is_changed(project, fakes):
    fakes.up(project.declared())
    project.write(FILE, CHANGED)
    fakes.registry.conflicts["ratings-value"] = ["READER_FIELD_MISSING_DEFAULT_VALUE"]

    (loss,) = subject(fakes.plan(project.declared())).loss

    assert loss.flag == "incompatible"
    assert (
        "the rule of ratings-value is BACKWARD (a new schema must be able to read the records of the last one): "
        "field channel is new and has no default, so earlier records cannot be read; to keep to the rule"
    ) in loss.what


def test_what_only_an_older_version_forbids_is_said_in_the_registrys_words(project, fakes):
    fakes.up(project.declared())
    project.write(FILE, {**RATINGS_SCHEMA, "fields": [*FIELDS, {**CHANNEL, "default": ""}]})
    fakes.registry.conflicts["ratings-value"] = ["conflicts with version 1"]

    (loss,) = subject(fakes.plan(project.declared())).loss

    assert ": conflicts with version 1; to keep to the rule" in loss.what


@pytest.mark.parametrize("own_rule", [None, "FULL"])
def test_the_rule_applies_again_after_an_allowed_exception(project, fakes, own_rule):
    fakes.up(project.declared())
    if own_rule:
        fakes.registry.rules["ratings-value"] = own_rule
    project.write(FILE, CHANGED)
    fakes.registry.conflicts["ratings-value"] = []

    fakes.up(project.declared())

    assert len(fakes.registry.versions["ratings-value"]) == 2
    assert fakes.registry.rules == ({"ratings-value": own_rule} if own_rule else {})


def test_the_rule_applies_again_where_the_registry_refuses_the_schema_anyway(project, fakes):
    fakes.up(project.declared())
    fakes.registry.conflicts["ratings-value"] = []
    project.write(FILE, CHANGED)
    fakes.servers["registry"].faults.append(Fault("POST", "/subjects/.*/versions$", 422, {"message": "invalid"}))

    with pytest.raises(Refused, match="invalid"):
        fakes.up(project.declared())

    assert fakes.registry.rules == {}


def test_a_registry_whose_own_rule_applies_anyway_says_so(project, fakes):
    fakes.up(project.declared())
    fakes.registry.conflicts["ratings-value"] = []
    fakes.registry.always_refuses = True
    project.write(FILE, CHANGED)

    with pytest.raises(
        Refused, match="the rule of the whole registry applies to ratings-value; it must be lifted there"
    ):
        fakes.up(project.declared())

    assert fakes.registry.rules == {}


def test_an_account_that_may_not_ask_for_compatibility_may_still_register(project, fakes):
    fakes.up(project.declared())
    project.write(FILE, CHANGED)
    fakes.servers["registry"].faults.append(Fault("POST", "/compatibility/.*", 403, {"message": "forbidden"}))

    plan, _ = fakes.up(project.declared())

    assert subject(plan).loss == ()
    assert len(fakes.registry.versions["ratings-value"]) == 2


def test_a_version_that_others_registered_later_is_shown(project, fakes):
    fakes.up(project.declared())
    fakes.registry.versions["ratings-value"].append(json.dumps(CHANGED))

    action = subject(fakes.plan(project.declared()))

    assert action.needs_attention and not action.is_change
    assert "the declared schema is version 1" in action.reason
