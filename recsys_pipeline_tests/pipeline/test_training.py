"""Training: what comes later teaches nothing, equal seeds give equal bytes."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.choosing import RankerData
from recsys_pipeline.pipeline.fitting import fit_generators
from recsys_pipeline.pipeline.releasing import to_parquet
from recsys_pipeline.pipeline.training import Trained, held_out_importances, train


def facts_of(run) -> dict:
    """The facts without the only ones that differ between equal runs: durations."""
    return {**asdict(run.trained.facts), "seconds": sorted(run.trained.facts.seconds)}


def test_both_models_are_whole(run) -> None:
    facts, trained = run.trained.facts, run.trained
    assert facts.chosen == trained.evaluated.primary == trained.released.primary == "two_stage"
    assert trained.evaluated.panel.names == (
        "random", "popularity", "item_knn", "profile", "two_stage"
    )  # fmt: skip
    assert trained.released.panel.names == ("popularity", "item_knn", "profile", "two_stage")
    assert facts.n_pairs == len(run.matrix)
    assert set(facts.seconds) == set(trained.evaluated.panel.generators)
    assert facts.left_out == {}
    assert facts.split == run.cuts.outer.reason
    assert list(facts.importances.values()) == sorted(facts.importances.values(), reverse=True)
    assert set(facts.window_figures) == {"popularity", "item_knn", "profile", "two_stage"}


def test_models_know_the_moment_that_they_are_for(run) -> None:
    assert run.trained.evaluated.as_of == run.cuts.train.as_of
    assert run.trained.released.as_of == run.as_of


def test_a_feature_learned_by_heart_is_not_important(run, make_learning) -> None:
    rng = np.random.default_rng(3)
    panel = replace(run.trained.evaluated.panel, ranker=None, pair_features=None)
    noise = rng.random((600, len(panel.feature_names)), dtype=np.float32)
    labels = rng.integers(0, 2, 600).astype(np.int8)
    user = rng.integers(0, 100, 600).astype(np.int32)
    learning = make_learning({"ranker": {"iterations": 40, "min_samples_leaf": 2}})
    data = RankerData(user, noise, labels)
    found = held_out_importances(data, panel, learning)
    assert max(found.values()) < 0.05
    noise[:, 0] = labels
    assert (
        next(iter(held_out_importances(data, panel, learning).items()))[0]
        == (panel.feature_names[0])
    )
    one = replace(data, user=np.zeros(600, np.int32))
    assert set(held_out_importances(one, panel, learning).values()) == {0.0}


def test_columns_of_availability_that_cannot_be_used_are_named(run, make_learning) -> None:
    movies = run.cuts.everything.movies.assign(**{n.AVAILABLE_UNTIL: pd.NaT})
    said: list[str] = []
    cuts = replace(run.cuts, everything=replace(run.cuts.everything, movies=movies, as_of=None))
    train(cuts, run.matrix, make_learning({"primary": "popularity"}), said.append)
    assert f"No as_of is known: {n.AVAILABLE_UNTIL} of the movies are not used." in said


def test_the_evaluated_model_has_not_seen_the_test(run) -> None:
    names = [name for name in run.trained.evaluated.panel.generators if name != "random"]
    batch = run.cuts.train.batch()
    before = fit_generators(run.cuts.train, run.learning, str).generators
    for name in names:
        found = run.trained.evaluated.panel.generators[name].score(batch)
        np.testing.assert_array_equal(found, before[name].score(batch), name)
        released = run.trained.released.panel.generators[name].score(batch)
        assert (released != found).any(), name


def test_two_runs_are_equal_to_the_last_byte(run, tables, as_of, make_run) -> None:
    again = make_run(tables, as_of, run.learning)
    assert to_parquet(again.lists) == to_parquet(run.lists)
    assert to_parquet(again.matrix) == to_parquet(run.matrix)
    assert facts_of(again) == facts_of(run)
    pd.testing.assert_frame_equal(again.report.table, run.report.table)
    assert again.report.verdict == run.report.verdict
    for name in ("groups", "pairs"):
        pd.testing.assert_frame_equal(getattr(again.report, name), getattr(run.report, name))
    first, second = again.report.calibration, run.report.calibration
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert again.report.trade_off == run.report.trade_off


def test_what_comes_after_as_of_changes_no_byte(run, tables, as_of, make_run) -> None:
    later = tables.interactions.iloc[:300].assign(
        **{
            n.TIMESTAMP: as_of + pd.Timedelta(days=1),
            n.SOURCE_ROW: np.arange(90_000, 90_300),
            n.MOVIE_ID: tables.movies[n.MOVIE_ID].iloc[0],
        }
    )
    interactions = pd.concat([later, tables.interactions], ignore_index=True)
    other = make_run(replace(tables, interactions=interactions), as_of, run.learning)
    assert other.cleaned.later == 300
    pd.testing.assert_frame_equal(other.cleaned.users, run.cleaned.users)
    assert to_parquet(other.matrix) == to_parquet(run.matrix)
    assert to_parquet(other.lists) == to_parquet(run.lists)
    assert facts_of(other) == facts_of(run)


def test_what_comes_after_the_cut_changes_nothing_learned_before_it(
    run, tables, as_of, make_run
) -> None:
    later = tables.interactions[n.TIMESTAMP] >= run.cuts.outer.cut
    flipped = tables.interactions[n.LIKED].where(~later, ~tables.interactions[n.LIKED])
    changed = replace(tables, interactions=tables.interactions.assign(**{n.LIKED: flipped}))
    other = make_run(changed, as_of, run.learning)
    assert to_parquet(other.matrix) == to_parquet(run.matrix)
    assert facts_of(other) == facts_of(run)
    batch = run.cuts.train.batch()
    first, second = (each.trained.evaluated.recommend(batch, 5) for each in (run, other))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert other.report.headline != run.report.headline


def test_saved_and_loaded_it_gives_the_same(run, tmp_path: Path) -> None:
    run.trained.save(tmp_path / "trained")
    loaded = Trained.load(tmp_path / "trained")
    assert asdict(loaded.facts) == asdict(run.trained.facts)
    batch = run.cuts.everything.batch()
    for side in ("evaluated", "released"):
        first, second = (getattr(each, side).recommend(batch, 5) for each in (run.trained, loaded))
        np.testing.assert_array_equal(first.items, second.items)
        np.testing.assert_array_equal(first.scores, second.scores)


def test_half_a_model_is_refused(run, tmp_path: Path) -> None:
    run.trained.save(tmp_path)
    (tmp_path / "facts.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        Trained.load(tmp_path)


def test_a_recommender_that_is_not_trained_cannot_be_released(run, make_learning) -> None:
    with pytest.raises(ModelError, match="'ease'") as caught:
        train(run.cuts, run.matrix, make_learning({"primary": "ease"}), str)
    assert "item_knn" in caught.value.hint


def test_two_stages_need_pairs(run, make_learning) -> None:
    with pytest.raises(ModelError, match="two_stage"):
        train(run.cuts, run.matrix.iloc[:0], make_learning({"primary": "two_stage"}), str)


def test_what_does_not_fit_in_memory_is_left_out_and_named(run, make_learning) -> None:
    recommenders = {"use": ("ease",), "ease": {"memory_limit_mb": 1e-6}}
    said: list[str] = []
    fitted = fit_generators(
        run.cuts.train, make_learning({"recommenders": recommenders}), said.append
    )
    assert set(fitted.generators) == {"random", "popularity"}
    assert fitted.left_out["ease"].startswith("ease was left out:")
    assert fitted.left_out["ease"] in said
    asked = make_learning({"recommenders": recommenders, "primary": "ease"})
    with pytest.raises(ModelError):
        fit_generators(run.cuts.train, asked, said.append)
