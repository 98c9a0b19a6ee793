"""Canonical JSON is RFC 8785's, whichever way it is made."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from db.canonical import canonical, plain_column, text_time

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(values)
def test_the_quick_way_writes_what_the_standard_says(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "0"), (1.0, "1"), (1e-7, "1e-7"), (1e-6, "0.000001"), (1e16, "10000000000000000"), (1e21, "1e+21"),
     (13.333, "13.333"), ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'), ("\x00\x1f\x7f\u2028é", None),
     ({"\ufb33": 1, "\U0001f600": 2, "é": 3}, '{"é":3,"\U0001f600":2,"\ufb33":1}')],
)  # fmt: skip
def test_known_answers(value: Any, text: str | None) -> None:
    assert canonical(value).decode() == (text or '"\\u0000\\u001f\x7f\u2028é"')


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 2**53, -(2**53), "\ud800", {"\udfff": 1}, {1: 2}, {None: 1}, object(), b"x"],
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    for nested in (value, [value], {"a": {"b": value}}):
        with pytest.raises(ValueError, match=r".+"):
            canonical(nested)


def test_what_is_nested_without_end_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical(value)


def test_columns_become_plain_values() -> None:
    at = datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert text_time(at) == plain_column(at) == "2026-03-01T12:00:00.000000Z"
    assert text_time(datetime(2026, 3, 1, 12, 0, 0, 5, UTC)) == "2026-03-01T12:00:00.000005Z"
    assert plain_column(date(2026, 3, 1)) == "2026-03-01"
    assert plain_column(2**60) == str(2**60)
    assert plain_column(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert plain_column({"a": 1.5}) == {"a": 1.5}
