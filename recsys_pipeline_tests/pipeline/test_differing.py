"""What differs between two releases, counted by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.differing import ReleaseDiff, diff_releases
from recsys_pipeline.pipeline.protocols import Manifest

BEFORE = Manifest(
    "2024-01-07-aaaaaaaa", "2024-01-07T00:00:00+00:00", "s", "d1", "e1", "ease", 2,
    {"users": 4, "interactions": 100}, {}, "yes", {},
)  # fmt: skip
AFTER = replace(
    BEFORE,
    release="2024-01-14-bbbbbbbb",
    as_of="2024-01-14T00:00:00+00:00",
    data_fingerprint="d2",
    recommender="blend",
    rows={"users": 4, "interactions": 120},
)
OLD = [(1, "ab"), (2, "ab"), (3, "ab"), (4, "a"), (5, "ab")]
NEW = [(1, "ab"), (2, "ba"), (3, "ac"), (4, "ab"), (6, "cd")]


def lists(rows: Sequence[tuple[int, str]], source: str = "ease") -> pd.DataFrame:
    """Each user's movies, one letter for each place."""
    places = [(u, r, ord(c), f"Movie {c}") for u, text in rows for r, c in enumerate(text, 1)]
    frame = pd.DataFrame(places, columns=[n.USER_ID, n.RANK, n.MOVIE_ID, n.TITLE])
    return frame.assign(**{n.SOURCE: source})


def found(old=OLD, new=NEW, recipes=None, after: Manifest = AFTER) -> ReleaseDiff:
    return diff_releases(BEFORE, after, lists(old), lists(new, "blend"), recipes)


def test_users_are_counted() -> None:
    diff = found()
    assert (diff.users_both, diff.users_gone, diff.users_new) == (4, 1, 1)
    # User 2 has another order, user 3 another movie, user 4 a longer list.
    assert (diff.changed, diff.other_movies) == (3, 2)
    assert diff.overlap == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)


def test_movies_that_rose_and_fell() -> None:
    movies = found().movies
    assert movies.to_dict("list") == {
        n.MOVIE_ID: [str(ord(c)) for c in "cdab"],
        n.TITLE: [f"Movie {c}" for c in "cdab"],
        "before": [0, 0, 5, 4],
        "after": [2, 1, 4, 3],
        "change": [2, 1, -1, -1],
    }


def test_at_most_ten_of_each_are_named() -> None:
    letters = "".join(chr(ord("a") + i) for i in range(26))
    risen = [(user, letters[: user + 1]) for user in range(26)]
    movies = diff_releases(BEFORE, AFTER, lists([(0, letters)]), lists(risen), None).movies
    assert len(movies) == 20
    assert movies["change"].is_monotonic_decreasing
    assert movies["change"].iloc[0] == 25


def test_who_placed_them() -> None:
    sources = found().sources.set_index(n.SOURCE)
    assert sources.loc["ease"].to_dict() == {"before": 9, "after": 0}
    assert sources.loc["blend"].to_dict() == {"before": 0, "after": 10}


def test_why_they_differ() -> None:
    recipes = (LearningConfig(), LearningConfig(k=7, seed=3))
    diff = found(recipes=recipes)
    assert diff.settings == {"k": (10, 7)}
    assert diff.why == (
        "blend makes the lists, before it was ease.",
        "Settings differ: k: 10 → 7.",
        "The data differ: interactions 100 → 120.",
        "They look from 2024-01-07T00:00:00+00:00 and 2024-01-14T00:00:00+00:00.",
    )
    assert "does not say with which settings" in " ".join(found().why)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ((90_001, 90_002), (90_001,), (2, 1)),
        ((90_001,), (90_002,), (1, "1 (others)")),
        ((90_001, 90_002), (90_002, 90_001), None),
    ],
)
def test_blocked_users_are_counted_and_not_named(old, new, shown) -> None:
    recipes = tuple(
        LearningConfig.model_validate({"rules": {"blocked_users": ids}}) for ids in (old, new)
    )
    diff = found(recipes=recipes)
    assert diff.settings.get("rules.blocked_users") == shown
    assert "9000" not in f"{diff.settings} {diff.why}"


def test_a_release_does_not_differ_from_itself() -> None:
    recipes = (LearningConfig(), LearningConfig(seed=1))
    diff = diff_releases(BEFORE, BEFORE, lists(OLD), lists(OLD), recipes)
    assert (diff.changed, diff.other_movies, diff.overlap) == (0, 0, 1)
    assert diff.movies.empty
    assert diff.settings == {}
    assert diff.why == ("Nothing differs between how they were made.",)


def test_ids_may_have_become_texts() -> None:
    texts = lists(OLD).astype({n.USER_ID: "str", n.MOVIE_ID: "str"})
    diff = diff_releases(BEFORE, AFTER, lists(OLD), texts, None)
    assert (diff.users_both, diff.changed, diff.overlap) == (5, 0, 1)


def test_lists_without_titles_are_compared_by_id() -> None:
    bare = lists(OLD).drop(columns=[n.TITLE])
    diff = diff_releases(BEFORE, AFTER, bare, lists(NEW), None)
    titles = dict(zip(diff.movies[n.MOVIE_ID], diff.movies[n.TITLE], strict=True))
    assert titles[str(ord("c"))] == "Movie c"
    both = diff_releases(BEFORE, AFTER, bare, lists(NEW).drop(columns=[n.TITLE]), None)
    assert both.movies[n.TITLE].tolist() == [f"Movie {ord(c)}" for c in "cdab"]


def test_without_a_user_in_both_there_is_no_overlap() -> None:
    diff = found([(1, "ab")], [(2, "ab")])
    assert (diff.users_both, diff.users_gone, diff.users_new, diff.changed) == (0, 1, 1, 0)
    assert np.isnan(diff.overlap)


def test_empty_lists_can_be_compared() -> None:
    diff = found([], [(1, "ab")])
    assert (diff.users_both, diff.users_new) == (0, 1)
    assert diff.movies["change"].tolist() == [1, 1]
