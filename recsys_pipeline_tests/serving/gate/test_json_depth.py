"""How deep JSON is nested, without reading it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.serving.gate_body import DEPTH, too_deep

TEXTS = st.text(st.sampled_from('[]{}"\\,:ab\n'), max_size=8)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=20,
)


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(VALUES, st.integers(0, 40), st.booleans())
def test_it_is_what_reading_finds(value, levels, siblings):
    for _ in range(levels):
        value = [value, [], {}] if siblings else {"a": value}
    assert too_deep(json.dumps(value).encode()) == (depth(value) > DEPTH)


@given(VALUES, st.integers(28, 36))
def test_texts_without_escapes_are_no_brackets(value, levels):
    body = "[" * levels + json.dumps(value).replace("\\", "") + "]" * levels
    # What is inside a text is decided here by counting quotes, one character after the other.
    deepest = now = 0
    inside = False
    for each in body:
        inside ^= each == '"'
        now += 0 if inside else (each in "[{") - (each in "]}")
        deepest = max(deepest, now)
    assert too_deep(body.encode()) == (deepest > DEPTH)


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at(body):
    assert not too_deep(body[:DEPTH])
    too_deep(body * 3)


def test_quotes_without_end_take_no_longer():
    # Going back over each quote would take hours.
    for body in (b'["' + b'\\"' * 400_000, b'"' * 900_000, b'[{"a' + b"\\" * 900_001):
        assert not too_deep(b"[" * 30 + b"]" * 30 + b'"' + b"[" * 40 + body)
