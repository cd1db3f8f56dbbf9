"""The better recommender is chosen, on users that its ranker has not learned from."""

from dataclasses import replace

import numpy as np
import pytest

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.models import make
from recsys_pipeline.models.config import PopularityConfig, RandomConfig
from recsys_pipeline.pipeline import choosing
from recsys_pipeline.pipeline.choosing import (
    Choice,
    best_for_newcomers,
    choose,
    fit_ranker,
    ranker_data,
)
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.window import Window
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.panel import BLEND, POPULARITY, Panel


def choice_of(cuts: Cuts, panel: Panel, learning: LearningConfig, data=None) -> Choice:
    """`choose` on the window of `cuts`."""
    window = Window.of(cuts, learning)
    ranked = panel.rank(window.users, window.list_length, pairs=window.pairs)
    return choose(window, panel, ranked, data, learning)


class _Knows:
    """A generator that gives each movie a score of its own, the same for all users."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores.astype(np.float32)

    def score(self, users: UserBatch) -> np.ndarray:
        return np.tile(self.scores, (len(users), 1))

    def knows(self, users: UserBatch) -> np.ndarray:
        return np.ones(len(users), dtype=bool)


@pytest.fixture(scope="module")
def even_is_liked(run, relabelled, tables):
    """Cuts of a world in which everybody likes the movies of even ids, and a panel of two
    generators: one ranks those first, the other last."""
    planted = relabelled(tables, lambda rows: rows["movie_id"] % 2 == 0)
    data = build_dataset(
        run.cleaned.users, run.cleaned.movies, planted.interactions, run.learning.likes, run.as_of
    )
    masks = (run.cuts.outer, run.cuts.inner)
    train = data.cut(masks[0].train, masks[0].cut)
    cuts = replace(
        run.cuts,
        everything=data,
        train=train,
        history=train.cut(masks[1].train, masks[1].cut),
        window=train.events.take(masks[1].test),
        test=data.events.take(masks[0].test),
    )
    even = (data.items.values.to_numpy() % 2 == 0).astype(float)
    rng = np.random.default_rng(1)
    generators = {
        "random": make("random", RandomConfig()).fit(cuts.history, rng),
        # Popularity would find the likes as well; it is left without anything to go by.
        "popularity": make("popularity", PopularityConfig()).fit(
            cuts.history.cut(np.zeros(len(cuts.history.events), bool), None), rng
        ),
        "ease": _Knows(even),
        "als": _Knows(-even),
    }
    return cuts, Panel(generators, candidates=8)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_better_of_two_is_chosen(even_is_liked, make_learning, swapped: bool) -> None:
    cuts, panel = even_is_liked
    names = ("als", "ease") if swapped else ("ease", "als")
    generators = dict(panel.generators)
    generators[names[0]], generators[names[1]] = panel.generators["ease"], panel.generators["als"]
    choice = choice_of(cuts, Panel(generators), make_learning())
    assert choice.name == names[0]
    assert choice.figures[names[0]] == 1
    assert choice.figures[names[1]] == 0
    assert next(iter(choice.figures)) == names[0]
    assert "random" not in choice.figures
    assert choice.metric == "liked_share_in_top"
    assert choice.reason.startswith(f"{names[0]} has the best")
    assert 0 < choice.n_users <= len(np.unique(cuts.window.user))


def test_of_two_alike_the_simpler_is_chosen(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    generators = {**panel.generators, "item_knn": panel.generators["ease"]}
    assert choice_of(cuts, Panel(generators), make_learning()).name == "item_knn"


def test_what_the_settings_ask_for_is_taken_even_if_worse(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    choice = choice_of(cuts, panel, make_learning({"primary": "als"}))
    assert choice.name == "als"
    assert "asked for in the settings" in choice.reason


def test_an_empty_window_takes_the_simplest(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    nothing = cuts.window.take(np.zeros(len(cuts.window), bool))
    choice = choice_of(replace(cuts, window=nothing), panel, make_learning())
    assert choice.name == "popularity"
    assert "too little" in choice.reason
    assert choice.n_users == 0


@pytest.mark.parametrize("name", ["trending", "profile"])
def test_newcomers_get_what_suits_everybody_best(even_is_liked, make_learning, name: str) -> None:
    cuts, panel = even_is_liked
    window = Window.of(cuts, make_learning())
    for other, expected in (("ease", name), ("als", POPULARITY)):
        given = Panel({**panel.generators, name: panel.generators[other]})
        assert best_for_newcomers(window, given) == expected
        assert choice_of(cuts, given, make_learning()).newcomers == expected


def test_newcomers_get_popularity_where_nothing_can_be_said(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    nothing = cuts.window.take(np.zeros(len(cuts.window), bool))
    window = Window.of(replace(cuts, window=nothing), make_learning())
    given = Panel({**panel.generators, "trending": panel.generators["ease"]})
    assert best_for_newcomers(window, given) == POPULARITY


def test_a_calibration_keeps_likes_above_dislikes(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    choice = choice_of(cuts, panel, make_learning())
    liked, disliked = choice.calibrations["ease"].probability(np.float32([1, 0]))
    assert liked > 0.9
    assert disliked < 0.1


def test_where_one_generator_is_enough_there_is_no_blend(even_is_liked, make_learning) -> None:
    cuts, panel = even_is_liked
    choice = choice_of(cuts, panel, make_learning())
    assert choice.blend is None
    assert BLEND not in choice.figures
    alone = Panel({name: panel.generators[name] for name in ("random", POPULARITY)})
    assert choice_of(cuts, alone, make_learning()).blend is None


def test_two_generators_that_know_half_each_are_blended(even_is_liked, make_learning) -> None:
    """Each of them tells half of the movies of even ids from the others."""
    cuts, panel = even_is_liked
    even = panel.generators["ease"].scores
    first = np.arange(len(even)) < len(even) // 2
    halves = {"ease": _Knows(even * first), "als": _Knows(even * ~first)}
    choice = choice_of(cuts, Panel({**panel.generators, **halves}), make_learning())
    assert choice.blend is not None
    assert set(choice.blend.weights) == {"ease", "als"}
    assert min(choice.blend.weights.values()) > 0.5
    assert BLEND in choice.figures
    assert BLEND in choice.calibrations


def test_ranker_data_has_the_features_of_each_pair(run, make_learning) -> None:
    panel = Panel(run.trained.evaluated.panel.generators, candidates=8)
    data = ranker_data(run.matrix, run.cuts, panel, make_learning())
    assert data.features.shape == (len(run.matrix), len(panel.feature_names))
    plain = run.matrix[list(PairFeatures.names)].to_numpy()
    np.testing.assert_array_equal(data.features[:, : plain.shape[1]], plain)
    np.testing.assert_array_equal(data.labels, run.matrix["label"])
    ids = run.cuts.history.users.id_of(data.user)
    np.testing.assert_array_equal(ids, run.matrix["user_id"])


def test_the_ranker_is_judged_on_users_that_it_has_not_learned_from(
    run, make_learning, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = Panel(run.trained.evaluated.panel.generators, candidates=8)
    data = ranker_data(run.matrix, run.cuts, panel, make_learning())
    learned: list[set[int]] = []
    judged: list[set[int]] = []

    def spying_fit(data, panel, learning, rows):
        learned.append(set(data.user[rows]))
        return fit_ranker(data, panel, learning, rows)

    class Spy(Panel):
        def rank(self, users, k, **options):
            if self.ranker is not None:
                ids = users.profiles["user_id"]
                judged.append(set(run.cuts.history.users.index_of(ids)))
            return super().rank(users, k, **options)

    monkeypatch.setattr(choosing, "fit_ranker", spying_fit)
    choice = choice_of(run.cuts, Spy(panel.generators, candidates=8), make_learning(), data)
    assert "two_stage" in choice.figures
    assert len(learned) == len(judged) == 2
    for by, of in zip(learned, judged, strict=True):
        assert by
        assert of
        assert not by & of
    assert len(judged[0] | judged[1]) == choice.n_users
