"""Last week's lists against what happened since: every figure by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.evaluation import names as m
from recsys_pipeline.pipeline.last_lists import (
    ALL,
    HIT_RATE,
    LIKED_DIFFERENCE,
    LIKED_ELSEWHERE,
    LIKED_IN_LISTS,
    SHARE_OF_NEW,
    LastLists,
    last_lists,
    score_last_lists,
)
from recsys_pipeline.pipeline.protocols import LISTS as LISTS_FILE
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.releasing import to_parquet
from recsys_pipeline.storage import MemoryReleaseStore

MANIFEST = Manifest(
    "2024-01-07-aaaaaaaa", "2024-01-07T00:00:00+00:00", "s", "d", "e", "ease", 2, {}, {}, "yes", {}
)
NOW = pd.Timestamp("2024-01-14", tz="UTC")
LISTS = pd.DataFrame(
    [
        (1, 1, 10, "ease"),
        (1, 2, 20, "exploration"),
        (2, 1, 30, "ease"),
        (2, 2, 10, "exploration"),
        (3, 1, 40, "ease"),
        (3, 2, 50, "exploration"),
        (99, 1, 10, "ease"),
    ],
    columns=[n.USER_ID, n.RANK, n.MOVIE_ID, n.SOURCE],
)
EVENTS = (
    # user, movie, day of January, liked
    (1, 60, 1, True),
    (3, 10, 2, True),
    (1, 10, 8, True),  # in the list
    (1, 30, 8, False),
    (1, 20, 9, False),  # in the list, and liked on second thoughts
    (1, 20, 10, True),
    (1, 60, 11, False),  # known before
    (2, 40, 9, True),
    (2, 50, 10, False),
    (4, 10, 9, True),  # had no list
)


def dataset(
    events: Sequence[tuple[int, int, int, bool]] = EVENTS,
    as_of: pd.Timestamp | None = NOW,
    *,
    timed: bool = True,
    labelled: bool = True,
) -> Dataset:
    days = pd.to_datetime([f"2024-01-{day:02d}T12:00" for _, _, day, _ in events], utc=True)
    interactions = pd.DataFrame(
        {
            n.USER_ID: [user for user, *_ in events],
            n.MOVIE_ID: [movie for _, movie, *_ in events],
        }
    )
    if timed:
        interactions[n.TIMESTAMP] = pd.Series(days.as_unit("us"))
    if labelled:
        interactions[n.LIKED] = pd.array([liked for *_, liked in events], dtype="boolean")
    users = pd.DataFrame({n.USER_ID: [1, 2, 3, 4]})
    movies = pd.DataFrame({n.MOVIE_ID: [10, 20, 30, 40, 50, 60]})
    return build_dataset(users, movies, interactions, LikesConfig(), as_of)


def scored(data: Dataset, manifest: Manifest | None = MANIFEST, lists=LISTS) -> LastLists:
    return score_last_lists(manifest, lists, data, np.random.default_rng(1))


def figures(found: LastLists, source: str = ALL) -> dict[str, float]:
    rows = found.table[found.table[n.SOURCE] == source]
    return dict(zip(rows[m.METRIC], rows[m.MEAN], strict=True))


def test_all_places_by_hand() -> None:
    """Users 1 and 2 did something: new to them were 10, 30, 20 and 40, 50."""
    found = scored(dataset())
    assert found.release == MANIFEST.release
    assert figures(found) == pytest.approx(
        {
            HIT_RATE: 1 / 2,
            SHARE_OF_NEW: 2 / 5,
            LIKED_IN_LISTS: 2 / 2,
            LIKED_ELSEWHERE: 1 / 3,
            LIKED_DIFFERENCE: 2 / 3,
        }
    )
    assert found.sentence == (
        "Since 2024-01-07 2 users with a list of release 2024-01-07-aaaaaaaa did something; "
        "50.0 % took up a movie of their list, and liked 100 % of those (33 % of the movies that "
        "were not in it)."
    )


@pytest.mark.parametrize("source", ["ease", "exploration"])
def test_each_kind_of_place_by_hand(source: str) -> None:
    found = figures(scored(dataset()), source)
    assert found[HIT_RATE] == pytest.approx(1 / 2)
    assert found[SHARE_OF_NEW] == pytest.approx(1 / 5)
    assert found[LIKED_IN_LISTS] == 1
    # Outside of the whole list, whatever the kind of place: 30, 40 and 50.
    assert found[LIKED_ELSEWHERE] == pytest.approx(1 / 3)
    assert found[LIKED_DIFFERENCE] == pytest.approx(2 / 3)


def test_all_comes_first_and_intervals_hold_the_figure() -> None:
    table = scored(dataset()).table
    assert list(dict.fromkeys(table[n.SOURCE])) == [ALL, "ease", "exploration"]
    known = table.dropna(subset=[m.LOW])
    assert len(known) > 5
    assert ((known[m.LOW] <= known[m.MEAN]) & (known[m.MEAN] <= known[m.HIGH])).all()
    assert (table[table[m.METRIC] == HIT_RATE][m.N_USERS] == 2).all()


def test_without_dislikes_there_is_no_share_of_likes() -> None:
    found = scored(dataset(labelled=False))
    assert figures(found) == pytest.approx({HIT_RATE: 1 / 2, SHARE_OF_NEW: 2 / 5})
    assert found.sentence.endswith("50.0 % took up a movie of their list.")


def test_an_event_at_the_moment_of_the_lists_is_not_later() -> None:
    data = dataset([(1, 10, 6, True), (1, 20, 7, True), (2, 40, 7, True)])
    at_noon = replace(MANIFEST, as_of="2024-01-07T12:00:00+00:00")
    assert "did anything since" in scored(data, at_noon).sentence
    assert figures(scored(data))[HIT_RATE] == pytest.approx(1 / 2)


def test_who_took_up_nothing_of_the_list_counts() -> None:
    found = figures(scored(dataset([(2, 40, 9, True), (1, 50, 9, True)])))
    assert found[HIT_RATE] == 0
    assert found[SHARE_OF_NEW] == 0
    assert np.isnan(found[LIKED_IN_LISTS])


def test_whoever_met_nothing_new_took_up_nothing_new() -> None:
    found = figures(scored(dataset([(1, 60, 1, True), (1, 60, 8, True), (2, 30, 9, True)])))
    assert found[HIT_RATE] == pytest.approx(1 / 2)
    assert found[SHARE_OF_NEW] == 1


@pytest.mark.parametrize(
    ("data", "manifest", "lists", "says"),
    [
        (dataset(), None, None, "No lists were in service"),
        (dataset(timed=False), MANIFEST, LISTS, "have no time"),
        (dataset(as_of=None), MANIFEST, LISTS, "have no time"),
        (dataset(), replace(MANIFEST, as_of=""), LISTS, "have no time"),
        (dataset(), replace(MANIFEST, as_of=NOW.isoformat()), LISTS, "of this moment or later"),
        (dataset(EVENTS[:2]), MANIFEST, LISTS, "did anything since 2024-01-07"),
        (dataset(EVENTS[-1:]), MANIFEST, LISTS, "did anything since 2024-01-07"),
    ],
)
def test_where_nothing_can_be_said_a_sentence_says_why(data, manifest, lists, says) -> None:
    found = scored(data, manifest, lists)
    assert says in found.sentence
    assert found.table.empty
    assert list(found.table.columns) == [n.SOURCE, m.METRIC, m.MEAN, m.LOW, m.HIGH, m.N_USERS]


def test_the_same_seed_gives_the_same_table() -> None:
    pd.testing.assert_frame_equal(scored(dataset()).table, scored(dataset()).table)


def test_lists_stay_as_they_are() -> None:
    before = LISTS.copy()
    scored(dataset())
    pd.testing.assert_frame_equal(LISTS, before)


AGAIN = replace(MANIFEST, release="2024-01-14-bbbbbbbb", as_of=NOW.isoformat())
OLDER = replace(MANIFEST, release="2024-01-05-cccccccc", as_of="2024-01-05T00:00:00+00:00")
ELSEWHERE = replace(
    MANIFEST, release="2024-01-08-dddddddd", as_of="2024-01-08T00:00:00+00:00", source="other"
)
BESIDE = replace(MANIFEST, release="2024-01-09-eeeeeeee", as_of="2024-01-09T00:00:00+00:00")


@pytest.fixture
def store(tmp_path) -> MemoryReleaseStore:
    """Five releases with the same lists; none in service."""
    made = MemoryReleaseStore(tmp_path / "scratch")
    for manifest in (MANIFEST, AGAIN, OLDER, ELSEWHERE, BESIDE):
        made.publish(manifest, {LISTS_FILE: to_parquet(LISTS)})
    return made


def scored_of(store: MemoryReleaseStore, data: Dataset) -> LastLists:
    return last_lists(store, data, "s", np.random.default_rng(1))


@pytest.mark.parametrize(
    ("promoted", "scored_one"),
    [
        ((), ""),
        ((MANIFEST,), MANIFEST.release),
        ((ELSEWHERE,), ELSEWHERE.release),
        ((MANIFEST, AGAIN), MANIFEST.release),
        ((MANIFEST, OLDER, ELSEWHERE, AGAIN), MANIFEST.release),
        ((OLDER, AGAIN, MANIFEST), MANIFEST.release),
        ((ELSEWHERE, AGAIN), AGAIN.release),
    ],
)
def test_the_newest_earlier_lists_that_served_are_scored(store, promoted, scored_one) -> None:
    """One that never served, or of another source, is none of them."""
    for manifest in promoted:
        store.promote(manifest.release)
    found = scored_of(store, dataset())
    assert found.release == scored_one
    assert found.table.empty == (scored_one in ("", AGAIN.release))


def test_without_time_the_release_in_service_is_named(store) -> None:
    store.promote(MANIFEST.release)
    store.promote(AGAIN.release)
    found = scored_of(store, dataset(timed=False, as_of=None))
    assert (found.release, found.table.empty) == (AGAIN.release, True)
    assert "have no time" in found.sentence


def test_lists_that_cannot_be_read_stop_no_run(store) -> None:
    store.promote(MANIFEST.release)
    store._shelf._files[MANIFEST.release][LISTS_FILE] = b"damaged"
    found = scored_of(store, dataset())
    assert found.table.empty
    assert found.sentence.startswith("There are no lists to score. Release 2024-01-07-aaaaaaaa: ")
