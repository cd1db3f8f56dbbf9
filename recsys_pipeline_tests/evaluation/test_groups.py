"""Figures by group: the right users, the right movies, on one set of draws."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_pipeline.evaluation.evaluate import Evaluation, evaluate
from recsys_pipeline.evaluation.groups import (
    BANDS,
    HISTORY_BUCKETS,
    Grouping,
    band_cells,
    by_history_length,
    by_segment,
    group_label,
    group_table,
    movie_bands,
    user_cells,
)
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import difference_of_figures
from recsys_pipeline.evaluation.labelled import Exposures, auc_by_user, liked_share_in_top
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k
from recsys_pipeline.evaluation.per_user import PerUser

N_USERS, N_ITEMS = 90, 60
METRICS = ["ndcg_at_10", "liked_share_in_top", "auc_by_user"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


LIKES = rng(1).random((N_USERS, N_ITEMS)) < 0.15
LIKES[:6] = False
ROW, ITEM = (each.astype(np.int32) for each in np.nonzero(rng(2).random(LIKES.shape) < 0.3))
HELD_OUT = HeldOut(
    np.arange(N_USERS, dtype=np.int32),
    sp.csr_matrix(LIKES.astype(np.float32)),
    Exposures(ROW, ITEM, LIKES[ROW, ITEM], N_USERS),
    0,
    0,
)
SCORES = {name: rng(place).random(len(ROW)) for place, name in enumerate(["popularity", "ours"])}
LISTS = {
    name: np.argsort(-(strength * LIKES + rng(3).normal(size=LIKES.shape)), axis=1)[:, :20]
    for name, strength in {"popularity": 0.0, "ours": 1.5}.items()
}
SEGMENTS = by_segment(pd.Series(["a", "b", "a"] * 30))


@pytest.fixture(name="evaluations", scope="module")
def _evaluations() -> dict[str, Evaluation]:
    return {
        name: evaluate(items, HELD_OUT, rng(), scores=SCORES[name], n_resamples=20)
        for name, items in LISTS.items()
    }


def test_history_buckets_are_exact() -> None:
    lengths = np.array([0, 1, 2, 4, 5, 9, 10, 10_000])
    found = by_history_length(lengths)
    assert found.groups == ("0", "1", "2–4", "5–9", "10+") == tuple(HISTORY_BUCKETS)
    assert found.of.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    for length, place in zip(lengths, found.of, strict=True):
        low, high = HISTORY_BUCKETS[found.groups[place]]
        assert low <= length <= (high or length)


def test_segments_are_in_order_and_no_user_is_lost() -> None:
    found = by_segment(pd.Series(["young", None, "adult", "young"], dtype="str"), "segment")
    assert found.groups == ("adult", "young", "unknown")
    assert found.of.tolist() == [1, 2, 0, 1]
    assert by_segment(pd.Series([3, 1, 3])).groups == ("1", "3")


def test_of_many_segments_the_rarest_are_others() -> None:
    values = [f"s{i:02}" for i in range(20) for _ in range(i + 1)]
    found = by_segment(pd.Series([*values, None]))
    assert len(found.groups) == 13
    assert found.groups[-2:] == ("others", "unknown")
    counts = dict(
        zip(*np.unique(np.array(found.groups)[found.of], return_counts=True), strict=True)
    )
    assert counts["others"] == sum(range(1, 10))
    assert counts["s19"] == 20
    twelve = by_segment(pd.Series([f"s{i:02}" for i in range(12)]))
    assert len(twelve.groups) == 12
    assert "others" not in twelve.groups


def test_a_third_of_all_interactions_is_in_each_band() -> None:
    assert movie_bands(np.array([1, 6, 3, 0, 2])).tolist() == [2, 0, 1, 2, 2]
    popularity = rng(4).zipf(1.6, 3000).clip(max=400)
    bands = movie_bands(popularity)
    shares = np.bincount(bands, popularity) / popularity.sum()
    np.testing.assert_allclose(shares, 1 / 3, atol=400 / popularity.sum())
    assert popularity[bands == 0].min() >= popularity[bands == 1].max()
    assert popularity[bands == 1].min() >= popularity[bands == 2].max()
    assert (movie_bands(np.zeros(3)) == 2).all()
    assert movie_bands(np.zeros(0)).shape == (0,)


def test_a_cell_holds_the_users_of_its_group(evaluations: dict[str, Evaluation]) -> None:
    cells = user_cells(evaluations, [SEGMENTS], METRICS)
    assert len(cells) == 2 * 2 * 3
    for (name, grouping, group, metric), found in cells.items():
        assert grouping == "segment"
        inside = np.array(["a", "b", "a"] * 30) == group
        whole = evaluations[name].per_user[metric]
        np.testing.assert_array_equal(found.values[inside], whole.values[inside])
        assert np.isnan(found.values[~inside]).all()


def test_the_pooled_auc_has_no_groups(evaluations: dict[str, Evaluation]) -> None:
    with pytest.raises(ValueError, match="auc_by_user"):
        user_cells(evaluations, [SEGMENTS], ["auc"])
    with pytest.raises(ValueError, match="no meaning"):
        band_cells(LISTS, HELD_OUT, np.ones(N_ITEMS), ["auc"])
    with pytest.raises(ValueError, match="3 users by x, 90 judged"):
        user_cells(evaluations, [Grouping("x", ("y",), np.zeros(3, dtype=int))], METRICS)


def test_bands_count_their_own_movies_only() -> None:
    popularity = rng(5).integers(0, 40, N_ITEMS)
    cells = band_cells(LISTS, HELD_OUT, popularity, METRICS, scores=SCORES)
    assert len(cells) == 2 * 3 * 3
    for place, band in enumerate(BANDS):
        movies = movie_bands(popularity) == place
        relevant = sp.csr_matrix((LIKES & movies).astype(np.float32))
        kept = movies[ITEM]
        exposures = Exposures(ROW[kept], ITEM[kept], LIKES[ROW, ITEM][kept], N_USERS)
        expected = {
            "ndcg_at_10": PerUser.of(ndcg_at_k(Hits.of(LISTS["ours"], relevant), 10)),
            "liked_share_in_top": liked_share_in_top(LISTS["ours"][:, :3], exposures, N_ITEMS),
            "auc_by_user": auc_by_user(exposures, SCORES["ours"][kept]),
        }
        for metric, figures in expected.items():
            found = cells["ours", "movie_popularity", band, metric]
            np.testing.assert_array_equal(found.values, figures.values, err_msg=metric)


def test_without_labels_or_scores_bands_have_what_is_left() -> None:
    popularity = np.ones(N_ITEMS)
    assert {cell[3] for cell in band_cells(LISTS, HELD_OUT, popularity, METRICS)} == set(
        METRICS[:2]
    )
    plain = HeldOut(HELD_OUT.users, HELD_OUT.relevant, None, 0, 0)
    assert {cell[3] for cell in band_cells(LISTS, plain, popularity, METRICS)} == {"ndcg_at_10"}


def test_the_table_is_paired_with_the_baseline(evaluations: dict[str, Evaluation]) -> None:
    cells = user_cells(evaluations, [SEGMENTS], ["ndcg_at_10"])
    table = group_table(cells, rng(), n_resamples=300)
    assert table.columns.tolist() == [
        "recommender", "grouping", "group", "metric", "mean", "low", "high", "n_users",
        "diff_to_popularity", "diff_low", "diff_high",
    ]  # fmt: skip
    assert table["n_users"].dtype == np.int64
    rows = table.set_index(["recommender", "group"])
    assert (
        (rows.loc["popularity", ["diff_to_popularity", "diff_low", "diff_high"]] == 0)
        .to_numpy()
        .all()
    )
    ours, theirs = (cells[name, "segment", "a", "ndcg_at_10"] for name in ("ours", "popularity"))
    # Draws do not depend on the other cells, so the interval is that of the pair alone.
    alone = difference_of_figures(ours, theirs, rng(), n_resamples=300)
    row = rows.loc["ours", "a"]
    assert (row["diff_to_popularity"], row["diff_low"], row["diff_high"]) == pytest.approx(
        (alone.mean, alone.low, alone.high)
    )
    assert row["n_users"] == ours.n_users < 60
    assert row["low"] < row["mean"] < row["high"]


def test_a_baseline_may_lack_a_metric(evaluations: dict[str, Evaluation]) -> None:
    bare = evaluate(LISTS["popularity"], HELD_OUT, rng(), n_resamples=20)
    cells = user_cells({"popularity": bare, "ours": evaluations["ours"]}, [SEGMENTS], METRICS)
    table = group_table(cells, rng(), n_resamples=20)
    lacking = table[(table["metric"] == "auc_by_user")]
    assert lacking["recommender"].unique().tolist() == ["ours"]
    assert lacking[["diff_to_popularity", "diff_low", "diff_high"]].isna().to_numpy().all()
    assert lacking["mean"].notna().all()


def test_nothing_to_show_is_an_empty_table() -> None:
    table = group_table({}, rng())
    assert table.empty
    assert "diff_low" in table.columns


def test_groups_have_names_for_people() -> None:
    assert group_label("history_length", "10+") == "history 10+"
    assert group_label("country", "FR") == "country FR"
