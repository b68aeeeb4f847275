import json

from bifrost.deployer.plan.schema_equality import avro_problem, schema_difference


def record(*fields, **more):
    return json.dumps({"type": "record", "name": "R", "fields": list(fields), **more})


A = {"name": "a", "type": "int"}


def test_notes_do_not_count():
    noted = {"name": "a", "type": {"type": "int", "connect.version": 1}, "doc": "x"}
    assert schema_difference(record(A), record(noted, **{"connect.name": "R"})) is None


def test_fields_are_named():
    live = record({"name": "a", "type": ["null", "int"]}, {"name": "b", "type": "string"})
    declared = record(A, {"name": "c", "type": "string"})
    assert (
        schema_difference(declared, live) == 'field c is not live; field b is live only; a is ["null", "int"], not int'
    )


def test_a_changed_default_is_reported():
    assert schema_difference(record(A), record({**A, "default": 0})) is not None


def test_primitive_schemas():
    assert schema_difference('"string"', '"string"') is None
    assert schema_difference('"string"', '"int"') is not None


def test_what_is_no_avro():
    assert avro_problem({"type": "recrod", "name": "x"}) is not None
    assert avro_problem({"type": "record", "name": "x", "fields": []}) is None
