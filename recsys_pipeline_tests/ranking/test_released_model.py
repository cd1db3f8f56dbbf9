"""The released model: probabilities, and the same lists from its files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking import Panel, ReleasedModel, load_released_model
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import BoostConfig, RerankingConfig, RulesConfig
from recsys_pipeline.ranking.panel import BLEND, TWO_STAGE

K = 5
PROFILE = "profile"
MIXED = Blend({"popularity": 0.2, "item_knn": 1.0, PROFILE: 0.5}, ("item_knn",), half_length=3.0)
PLAIN = RerankingConfig(diversity=0, exploration_slots=0)


def released(
    panel: Panel,
    data: Dataset,
    primary: str,
    movies: pd.DataFrame | None = None,
    as_of: pd.Timestamp | None = None,
) -> ReleasedModel:
    calibrations = {
        name: Calibration(0.5 + place, -1.0) for place, name in enumerate(panel.generators)
    }
    movies = data.movies if movies is None else movies
    return ReleasedModel(
        panel, primary, calibrations, data.items, movies, as_of, Catalogue.of(data), PLAIN
    )


def expiring(data: Dataset, moment: pd.Timestamp) -> pd.DataFrame:
    """The movies of `data`, of which the second half has left the catalogue before `moment`."""
    gone = np.arange(data.n_items) >= data.n_items // 2
    until = np.where(gone, moment - pd.Timedelta(days=1), pd.NaT)
    return data.movies.assign(**{n.AVAILABLE_UNTIL: pd.Series(until, dtype="datetime64[us, UTC]")})


@pytest.mark.parametrize("primary", ["item_knn", TWO_STAGE])
def test_lists_hold_probabilities(panel: Panel, small: Dataset, primary: str) -> None:
    model = released(panel, small, primary)
    lists = model.recommend(small.batch(), K)
    listed = lists.items >= 0
    assert lists.scores.dtype == np.float32
    assert ((lists.scores >= 0) & (lists.scores <= 1)).all()
    assert (lists.scores[~listed] == 0).all()
    assert (lists.scores[listed] > 0).mean() > 0.9
    assert (np.diff(lists.scores, axis=1) <= 1e-7).all()
    assert lists.sources.shape == (small.n_users, K)


def test_a_list_is_calibrated_as_who_made_it(panel: Panel, small: Dataset) -> None:
    model = released(panel, small, "item_knn")
    ranked = panel.rank(small.batch(), K, names=["item_knn"])["item_knn"]
    found = model.probabilities(ranked)
    for user, source in ((0, PROFILE), (5, "item_knn")):
        assert ranked.sources[user] == source
        expected = model.calibrations[source].probability(ranked.scores[user])
        np.testing.assert_array_equal(found[user], expected)


@pytest.mark.parametrize("primary", ["popularity", "item_knn", "profile", TWO_STAGE])
def test_saved_and_loaded_it_gives_the_same_lists(
    panel: Panel, small: Dataset, primary: str, tmp_path: Path
) -> None:
    model = released(panel, small, primary)
    model.save(tmp_path / "model")
    loaded = load_released_model(tmp_path / "model")
    first, second = (each.recommend(small.batch(), K) for each in (model, loaded))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.sources, second.sources)
    assert loaded.items.values.equals(small.items.values)
    pd.testing.assert_frame_equal(loaded.movies, small.movies)


@pytest.mark.parametrize("primary", ["item_knn", TWO_STAGE])
def test_movies_that_have_left_are_in_no_list(
    panel: Panel, small: Dataset, primary: str, tmp_path: Path
) -> None:
    moment, half = small.as_of, small.n_items // 2
    movies = expiring(small, moment)
    released(panel, small, primary, movies, moment).save(tmp_path / "model")
    loaded = load_released_model(tmp_path / "model")
    assert loaded.as_of == moment
    assert loaded.recommend(small.batch(), K).items.max() < half
    few = np.arange(small.n_items) >= half - 3
    found = loaded.recommend(small.batch(), K, allowed=few).items
    assert set(np.unique(found)) <= {-1, half - 3, half - 2, half - 1}
    assert (found >= 0).any()
    undated = released(panel, small, primary, movies, None)
    undated.save(tmp_path / "undated")
    assert load_released_model(tmp_path / "undated").as_of is None
    assert undated.recommend(small.batch(), K).items.max() >= half


def test_a_boosted_movie_is_found_however_far_down(panel: Panel, small: Dataset) -> None:
    """Candidates are few, and the movie is nobody's favourite."""
    dials = RerankingConfig(diversity=0, exploration_slots=0, candidates=K)
    flat = {name: Calibration(1e-3, -2.0) for name in panel.generators}
    plain = replace(released(panel, small, "item_knn"), reranking=dials, calibrations=flat)
    shown = plain.recommend(small.batch(), K).items
    rare = int(np.argmin(np.bincount(shown[shown >= 0], minlength=small.n_items)))
    assert (shown == rare).any(axis=1).mean() < 0.2
    movie = int(small.items.values[rare])
    rules = RulesConfig(boosts=(BoostConfig(movie_id=movie, factor=10),))
    boosted = replace(plain, rules=rules).recommend(small.batch(), K)
    fresh = small.seen.toarray()[:, rare] == 0
    assert fresh.sum() > 20
    assert (boosted.items[fresh, 0] == rare).all()
    assert (boosted.items[~fresh] != rare).all()


def test_rules_and_dials_are_saved_with_it(panel: Panel, small: Dataset, tmp_path: Path) -> None:
    first, second = (int(each) for each in small.items.values[:2])
    model = replace(
        released(panel, small, BLEND),
        panel=replace(panel, blend=MIXED, newcomers=PROFILE),
        reranking=RerankingConfig(diversity=0.3, exploration_slots=2, serendipity_slots=1),
        rules=RulesConfig(
            blocked_movies=(first,),
            boosts=(BoostConfig(movie_id=second, factor=3),),
            max_per_genre=2,
        ),
        language="fr",
        likes_known=True,
    )
    model.save(tmp_path)
    loaded = load_released_model(tmp_path)
    assert (loaded.rules, loaded.reranking) == (model.rules, model.reranking)
    assert (loaded.language, loaded.likes_known) == ("fr", True)
    assert loaded.panel.blend == MIXED
    assert loaded.panel.newcomers == PROFILE
    users, keys = small.batch(), np.arange(small.n_users, dtype=np.uint64)
    lists, again = (each.recommend(users, K, keys=keys) for each in (model, loaded))
    for name in ("items", "scores", "sources", "rankers", "kinds", "propensities"):
        np.testing.assert_array_equal(getattr(lists, name), getattr(again, name), name)
    assert set(np.unique(lists.kinds)) == {0, 1, 2}
    assert 0 not in lists.items
    assert loaded.reasons(users, again).tolist() == model.reasons(users, lists).tolist()


@pytest.mark.parametrize("primary", ["item_knn", BLEND, TWO_STAGE])
def test_one_user_is_a_batch_of_one(panel: Panel, small: Dataset, primary: str) -> None:
    model = replace(
        released(panel, small, primary),
        panel=replace(panel, blend=MIXED),
        reranking=RerankingConfig(),
    )
    users, keys = small.batch(), np.arange(7, 7 + small.n_users, dtype=np.uint64)
    whole = model.recommend(users, K, keys=keys)
    reasons = model.reasons(users, whole)
    for user in (*range(4), 17, 59):
        rows = np.array([user])
        alone = model.recommend(users.take(rows), K, keys=keys[rows])
        for name in ("items", "sources", "rankers", "kinds"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[user])
        np.testing.assert_allclose(alone.propensities[0], whole.propensities[user], rtol=1e-5)
        assert model.reasons(users.take(rows), alone)[0].tolist() == reasons[user].tolist()


def test_there_is_no_pickle_among_its_files(panel: Panel, small: Dataset, tmp_path: Path) -> None:
    released(panel, small, TWO_STAGE).save(tmp_path)
    endings = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert endings == {".json", ".npz", ".skops", ".parquet"}


def _without_model_json(folder: Path) -> None:
    (folder / "model.json").unlink()


def _without_key(folder: Path) -> None:
    facts = json.loads((folder / "model.json").read_text())
    del facts["primary"]
    (folder / "model.json").write_text(json.dumps(facts))


def _without_generator(folder: Path) -> None:
    for file in (folder / "generators" / "item_knn").iterdir():
        file.unlink()


def _half_movies(folder: Path) -> None:
    content = (folder / "movies.parquet").read_bytes()
    (folder / "movies.parquet").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    "damage", [_without_model_json, _without_key, _without_generator, _half_movies]
)
def test_what_is_not_whole_is_refused(panel: Panel, small: Dataset, tmp_path, damage) -> None:
    released(panel, small, "item_knn").save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_released_model(tmp_path)
    assert caught.value.hint
