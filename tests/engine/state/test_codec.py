from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.engine.state.codec import decode, encoder
from bifrost.engine.state.frozen import freeze, freeze_key, thaw, thaw_key
from bifrost.engine.state.ordering import sort_key
from bifrost.errors import StateError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)
KEY_PARTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner), max_leaves=20
)


def same(left: object, right: object) -> bool:
    return repr(left) == repr(right)


@given(VALUES)
def test_every_value_is_decoded_as_it_was_encoded(value):
    assert same(decode(encoder()(value)), value)


def test_decimals_keep_their_scale_and_texts_their_lone_surrogates():
    assert str(decode(encoder()(Decimal("1.500")))) == "1.500"
    assert decode(encoder()("\ud800")) == "\ud800"


def test_what_cannot_be_stored_is_refused_by_type():
    with pytest.raises(StateError, match="type set cannot be stored"):
        encoder()({1, 2})


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x01", b"\xc7\x01\x63a"])
def test_foreign_bytes_are_a_state_error(data):
    with pytest.raises(StateError):
        decode(data)


@given(KEY_PARTS)
def test_frozen_values_are_hashable_and_thaw_to_what_they_were(value):
    assert hash(freeze([value])) == hash(freeze([value]))
    assert same(thaw(freeze([value])), [value])


def test_keys_of_structs_are_equal_whatever_the_order_of_their_fields():
    first, second = freeze_key(({"A": 1, "B": [2]},)), freeze_key(({"B": [2], "A": 1},))
    assert first == second
    assert hash(first) == hash(second)
    assert thaw_key(first) == ({"A": 1, "B": [2]},)


def test_keys_of_any_types_have_an_order():
    keys = [("b",), (None,), (2,), ("a",), (1.5,), (b"x",), freeze_key(([1],)), freeze_key(({"A": 1},))]
    ordered = sorted(keys, key=sort_key)
    assert ordered[:5] == [(None,), (1.5,), (2,), ("a",), ("b",)]
