"""Splits lose no event, and none of the future is learned from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.data.dataset import Events
from recsys_pipeline.data.splits import split
from recsys_pipeline.errors import SettingsError

SECOND = 1_000_000


def events_of(rows: list[tuple[int, int, int]], *, with_time: bool = True) -> Events:
    """Events of (user, item, second)."""
    user, item, second = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Events(
        user.astype(np.int32),
        item.astype(np.int32),
        second * SECOND if with_time else None,
        np.ones(len(user), dtype=bool),
        np.ones(len(user), dtype=np.float32),
        None,
    )


def grown(n_users: int, n_each: int, step: int = 1) -> Events:
    """Users side by side in time, each with `n_each` events."""
    return events_of([(u, i, step * i) for i in range(n_each) for u in range(n_users)])


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 6)), min_size=0, max_size=60
)
SHARES = st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.7, 0.9])


def one_time(events: Events) -> bool:
    return events.time is not None and len(events) > 0 and len(np.unique(events.time)) == 1


KINDS = ["auto", "temporal", "last", "leave_last", "random", "strong"]


@given(ROWS, st.sampled_from(KINDS), SHARES, st.booleans())
def test_known_and_test_are_disjoint_and_complete(
    rows: list[tuple[int, int, int]], kind: str, share: float, by_movie: bool
) -> None:
    events = events_of(rows)
    if kind == "temporal" and one_time(events):
        return
    made = split(
        events, kind, rng=rng(), test_share=share, stratify="movie" if by_movie else "user"
    )
    assert made.train.dtype == made.known.dtype == made.test.dtype == bool
    assert made.train.shape == (len(rows),)
    assert (made.known != made.test).all()
    assert (made.known | ~made.train).all()
    if kind != "strong":
        assert np.array_equal(made.known, made.train)


@given(ROWS, SHARES)
def test_a_cut_in_time_separates_nothing_that_happened_at_once(
    rows: list[tuple[int, int, int]], share: float
) -> None:
    events = events_of(rows)
    if len(events) == 0 or one_time(events):
        return
    made = split(events, "temporal", rng=rng(), test_share=share)
    assert events.time is not None
    assert made.cut is not None
    cut = int(made.cut.timestamp()) * SECOND
    assert (events.time[made.train] < cut).all()
    assert (events.time[made.test] >= cut).all()
    assert made.train.any()
    assert made.test.any()
    # No other cut comes nearer to the share asked for.
    shares = [(events.time >= moment).mean() for moment in np.unique(events.time)[1:]]
    best = min(abs(other - share) for other in shares)
    assert abs(made.test.mean() - share) == pytest.approx(best)


@given(
    ROWS,
    st.randoms(use_true_random=False),
    st.sampled_from(["temporal", "last", "leave_last", "strong"]),
    SHARES,
)
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[int, int, int]], random: object, kind: str, share: float
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = events_of(rows), events_of(shuffled)
    # Without times `strong` draws events at random.
    if kind in ("temporal", "strong") and one_time(first):
        return

    def held(events: Events, source: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        made = split(events, kind, rng=rng(), test_share=share)
        return sorted(row for row, test in zip(source, made.test, strict=True) if test)

    assert held(first, rows) == held(second, shuffled)


@given(ROWS, SHARES, st.sampled_from(["last", "random"]))
def test_every_user_keeps_something_and_from_two_events_on_gives_something(
    rows: list[tuple[int, int, int]], share: float, kind: str
) -> None:
    events = events_of(rows)
    made = split(events, kind, rng=rng(), test_share=share)
    for user in np.unique(events.user):
        own = events.user == user
        assert made.train[own].any()
        assert made.test[own].any() == (own.sum() > 1)


@pytest.mark.parametrize("n, held", [(1, 0), (2, 1), (3, 1), (5, 1), (7, 1), (8, 2), (10, 2)])
def test_how_many_of_a_user_are_held_out(n: int, held: int) -> None:
    events = events_of([(0, i, i) for i in range(n)])
    for kind in ("last", "random"):
        made = split(events, kind, rng=rng(), test_share=0.2)
        assert made.test.sum() == held
        assert made.cut is None
    assert split(events, "last", rng=rng()).test.tolist() == [False] * (n - held) + [True] * held


def test_last_orders_by_time_then_item() -> None:
    events = events_of([(0, 5, 3), (0, 4, 9), (0, 3, 9), (0, 9, 1), (0, 1, 2)])
    assert split(events, "last", rng=rng()).test.tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("share", [0.2, 0.25])
def test_random_is_the_published_protocol(share: float) -> None:
    draw = np.random.default_rng(3)
    user = draw.integers(0, 12, 700)
    events = events_of([(int(u), int(i), 0) for i, u in enumerate(user)])
    frame = pd.DataFrame({"user": user}).sample(frac=1, random_state=42)
    place = frame.groupby("user").cumcount()
    size = frame.groupby("user")["user"].transform("size")
    expected = (place < np.round((1 - share) * size)).sort_index().to_numpy()
    made = split(events, "random", rng=np.random.RandomState(42), test_share=share)
    assert np.array_equal(made.train, expected)


def test_random_by_movie_draws_within_each_movie() -> None:
    draw = np.random.default_rng(3)
    events = events_of([(int(u), int(u) % 5, 0) for u in draw.integers(0, 50, 400)])
    made = split(events, "random", rng=rng(), test_share=0.25, stratify="movie")
    for item in range(5):
        own = events.item == item
        assert made.train[own].sum() == round(0.75 * own.sum())
    assert "each movie" in made.reason


def test_equal_generators_draw_equal_splits() -> None:
    events = grown(20, 10)
    first, second = (split(events, "random", rng=rng()).test for _ in range(2))
    other = split(events, "random", rng=np.random.default_rng(8)).test
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_auto_cuts_in_time_where_test_users_have_a_history() -> None:
    made = split(grown(30, 10), rng=rng())
    assert made.kind == "temporal"
    assert made.cut == pd.Timestamp(8, unit="s", tz="UTC")
    assert "30 of their 30 users have a history before" in made.reason
    assert "20 % of all" in made.reason


def test_auto_cuts_in_time_where_a_hundred_users_have_a_history() -> None:
    known = [(u, i, i) for i in range(10) for u in range(100)]
    unknown = [(1000 + u, 1, 9) for u in range(110)]
    made = split(events_of(known + unknown), rng=rng())
    assert (made.kind, int(made.test.sum())) == ("temporal", 210)


def test_auto_holds_out_the_last_where_users_come_one_after_another() -> None:
    made = split(events_of([(u, i, 100 * u + i) for u in range(40) for i in range(10)]), rng=rng())
    assert (made.kind, made.cut) == ("last", None)
    assert made.reason == (
        "A cut in time would leave 0 of 8 test users with a history, "
        "so each user's last 20 % is held out instead."
    )


def test_auto_does_not_cut_where_nearly_all_came_at_once() -> None:
    rows = [(u, 0, 0) for u in range(50)] + [(u, i, 1) for u in range(50) for i in range(1, 50)]
    made = split(events_of(rows), rng=rng())
    assert made.kind == "last"
    assert "would hold out 98 % of all events" in made.reason


def test_auto_is_random_without_times() -> None:
    without = split(events_of([(0, i, 0) for i in range(10)], with_time=False), rng=rng())
    assert without.kind == "random"
    assert without.reason == (
        "The events have no time, so a random 20 % of each user's events is held out."
    )
    at_once = split(events_of([(0, i, 5) for i in range(10)]), rng=rng())
    assert at_once.kind == "random"
    assert at_once.reason.startswith("All events have the same time")


@given(ROWS, st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 6)))
def test_the_rows_of_others_do_not_move_a_users_own(
    rows: list[tuple[int, int, int]], further: tuple[int, int, int]
) -> None:
    for kind in ("last", "leave_last"):
        few, more = (
            split(events_of(each), kind, rng=rng()).test for each in (rows, [further, *rows])
        )
        others = np.array([row[0] != further[0] for row in rows], dtype=bool)
        assert np.array_equal(few[others], more[1:][others])


def test_leave_last_holds_out_one_event_of_each_user() -> None:
    events = events_of([(0, 4, 9), (0, 3, 9), (0, 9, 1), (1, 2, 5), (2, 7, 3), (2, 1, 4)])
    made = split(events, "leave_last", rng=rng())
    assert made.test.tolist() == [True, False, False, False, False, True]
    assert made.reason == (
        "The last event of each user is held out: 2 of 6. Users with one event keep it for "
        "training."
    )


@given(ROWS)
def test_leave_last_is_the_latest_of_all_that_a_user_has(rows: list[tuple[int, int, int]]) -> None:
    made = split(events_of(rows), "leave_last", rng=rng())
    for user in {row[0] for row in rows}:
        own = [(row[2], row[1], bool(held)) for row, held in zip(rows, made.test, strict=True)
               if row[0] == user]  # fmt: skip
        held = [each[:2] for each in own if each[2]]
        assert held == ([max(own)[:2]] if len(own) > 1 else [])


@given(ROWS, SHARES, st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.booleans())
def test_strong_judges_users_that_nothing_was_learned_from(
    rows: list[tuple[int, int, int]], share: float, user_share: float, with_time: bool
) -> None:
    events = events_of(rows, with_time=with_time)
    made = split(events, "strong", rng=rng(), test_share=share, user_share=user_share)
    learned, judged = (set(events.user[each].tolist()) for each in (made.train, made.test))
    assert not learned & judged
    assert learned or not rows
    users, sizes = np.unique(events.user, return_counts=True)
    possible = int((sizes > 1).sum())
    wanted = max(round(user_share * possible), 1)
    assert len(judged) == min(wanted, possible, max(len(users) - 1, 0))
    for user in judged:
        own = events.user == user
        held = int(own.sum() - np.clip(round((1 - share) * own.sum()), 1, own.sum() - 1))
        assert made.test[own].sum() == held
        if with_time and not one_time(events):
            order = sorted((row[2], row[1]) for row in rows if row[0] == user)
            last = sorted((row[2], row[1]) for row, test in zip(rows, made.test, strict=True)
                          if test and row[0] == user)  # fmt: skip
            assert last == order[-held:]


def test_strong_says_what_it_did() -> None:
    made = split(grown(10, 10), "strong", rng=rng(), user_share=0.3)
    assert (made.kind, made.cut) == ("strong", None)
    assert (int((~made.train).sum()), int(made.test.sum())) == (30, 6)
    assert made.reason == (
        "Nothing is learned from 3 of 10 users; of each of them the last 20 % is held out and the "
        "rest is known."
    )
    plain = events_of([(u, i, 0) for u in range(10) for i in range(5)], with_time=False)
    assert "a random 20 % is held out" in split(plain, "strong", rng=rng()).reason


def test_strong_draws_other_users_from_another_generator() -> None:
    first, second, other = (
        split(grown(40, 5), "strong", rng=np.random.default_rng(seed)).train for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
def test_no_events(kind: str) -> None:
    made = split(events_of([]), kind, rng=rng())
    assert made.train.shape == made.known.shape == made.test.shape == (0,)


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"kind": "yearly"}, "yearly"),
        ({"test_share": 0.0}, "0.0"),
        ({"test_share": 1.0}, "1.0"),
        ({"stratify": "genre"}, "genre"),
        ({"user_share": 1.0}, "1.0"),
        ({"kind": "temporal"}, "same one"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_way_out(
    arguments: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        split(events_of([(0, 0, 5), (0, 1, 5)]), rng=rng(), **arguments)
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["temporal", "last", "leave_last"])
def test_splits_by_time_need_times(kind: str) -> None:
    with pytest.raises(SettingsError, match="needs times"):
        split(events_of([(0, 0, 0)], with_time=False), kind, rng=rng())


def test_the_events_stay_as_they_were() -> None:
    events = grown(5, 5)
    before = [events.user.copy(), events.item.copy(), events.time.copy()]
    for kind in KINDS:
        split(events, kind, rng=rng())
    for array, old in zip([events.user, events.item, events.time], before, strict=True):
        assert np.array_equal(array, old)
