"""How much a caller may ask, against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.serving import limiting
from recsys_pipeline.serving.limiting import Limiter, caller_of

GAPS = st.lists(st.floats(0, 130), min_size=1, max_size=60)


def test_a_minute_by_hand():
    limiter = Limiter(4)
    assert [limiter.take("a", 600 + second).allowed for second in (0, 1, 2, 3, 4)] == [
        True, True, True, True, False,
    ]  # fmt: skip
    assert limiter.take("b", 604).allowed
    # At 15 s of the next minute three quarters of the four still count.
    assert limiter.take("a", 675).remaining == 0
    assert limiter.take("a", 675) == (False, 0, 15)
    assert limiter.take("a", 690).allowed
    assert limiter.take("a", 60_000) == (True, 3, 60)


@given(GAPS, st.integers(1, 8))
def test_what_is_allowed_is_what_counting_says(gaps, limit):
    limiter, at, taken = Limiter(limit), 0.0, []
    for gap in gaps:
        at += gap
        window = at // 60
        now = sum(each // 60 == window for each in taken)
        before = sum(each // 60 == window - 1 for each in taken)
        used = now + before * (1 - at % 60 / 60)
        verdict = limiter.take("a", at)
        assert verdict.allowed == (used + 1 <= limit + 1e-9)
        assert verdict.remaining == (int(limit - used - 1 + 1e-9) if verdict.allowed else 0)
        assert 1 <= verdict.seconds <= 120
        if verdict.allowed:
            taken.append(at)
    assert all(sum(each // 60 == window for each in taken) <= limit for window in range(150))


@given(GAPS, st.integers(1, 8))
def test_who_waits_as_told_may_ask(gaps, limit):
    limiter, at = Limiter(limit), 0.0
    for gap in gaps:
        at += gap / 20
        verdict = limiter.take("a", at)
        if not verdict.allowed:
            at += verdict.seconds
            assert limiter.take("a", at).allowed


def test_callers_beyond_all_number_share_one_count(monkeypatch):
    monkeypatch.setattr(limiting, "_CALLERS", 3)
    limiter = Limiter(2)
    assert [limiter.take(name, 0).allowed for name in "abcdefg"] == [True] * 5 + [False] * 2
    assert limiter.take("a", 1).allowed
    assert len(limiter._now) <= 4
    limiter.take("a", 60)
    limiter.take("a", 180)
    assert limiter._before == {}


@pytest.mark.parametrize(
    "address, caller",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002/64"),
        ("2001:db8:1:2::9", "20010db800010002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_are_one_caller(address, caller):
    assert caller_of(address) == caller
