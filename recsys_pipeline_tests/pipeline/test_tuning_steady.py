"""The steady figure against figures known from elsewhere, and a brute-force count."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from recsys_pipeline.evaluation.labelled import Exposures, auc
from recsys_pipeline.pipeline.steady import SHARES, SteadyFigure, standing
from recsys_pipeline.pipeline.window import Window


@pytest.fixture(scope="module")
def window(run) -> Window:
    return Window.of(run.cuts, run.learning)


@pytest.fixture(scope="module")
def positives(window) -> Window:
    """The same window as if nobody had said what they dislike."""
    held_out = replace(window.held_out, exposures=None)
    return replace(window, held_out=held_out, deciding=replace(window.deciding, name="ndcg_at_5"))


@pytest.fixture(scope="module")
def model(run):
    return run.trained.evaluated.panel.generators["item_knn"]


def test_likes_alone_are_judged_by_longer_lists(positives, model):
    figure = SteadyFigure(positives, 42)
    *_, chosen = figure.rungs(model)
    confirmed = figure.confirmation(model)

    assert (figure.metric, figure.chance) == ("ndcg_at_25", 0.0)
    total = chosen.numerator.sum() + confirmed.numerator.sum()
    known = chosen.known.sum() + confirmed.known.sum()
    assert total / known == pytest.approx(positives.steady_figure(model))


@pytest.mark.parametrize("half", ["choosing", "confirming"])
def test_likes_and_dislikes_are_judged_by_where_they_stand(window, model, half):
    figure = SteadyFigure(window, 42)
    *_, found = figure.rungs(model)
    if half == "confirming":
        found = figure.confirmation(model)
    exposures = window.held_out.exposures
    mine = found.known[exposures.row]

    places = standing(model, window.users, exposures.row.astype(np.intp), exposures.item)

    own = Exposures(
        exposures.row[mine], exposures.item[mine], exposures.liked[mine], exposures.n_users
    )
    assert (figure.metric, figure.chance) == ("auc", 0.5)
    assert found.mean == pytest.approx(auc(own, places[mine]).mean)


def test_nobody_both_chooses_and_confirms(window, model):
    figure = SteadyFigure(window, 42)
    *_, chosen = figure.rungs(model)
    confirmed = figure.confirmation(model)

    assert not (chosen.known & confirmed.known).any()
    assert (chosen.known | confirmed.known).all()
    assert abs(int(chosen.known.sum()) - int(confirmed.known.sum())) <= 1


def test_a_place_is_the_share_of_unseen_movies_below(window, model):
    exposures = window.held_out.exposures
    found = standing(model, window.users, exposures.row.astype(np.intp), exposures.item)

    scores, seen = model.score(window.users), window.users.seen.toarray() > 0
    for place, row, item in zip(found, exposures.row, exposures.item, strict=True):
        others = [
            scores[row, other]
            for other in range(scores.shape[1])
            if other != item and not seen[row, other]
        ]
        below = sum((s < scores[row, item]) + (s == scores[row, item]) / 2 for s in others)
        assert place == pytest.approx(below / len(others))


@pytest.mark.parametrize("name", ["window", "positives"])
def test_rungs_look_at_more_and_more_users(name, model, request):
    window = request.getfixturevalue(name)
    found = list(SteadyFigure(window, 42).rungs(model))

    assert len(found) == len(SHARES) == 3
    looked_at = [rung.known for rung in found]
    for fewer, more in pairwise(looked_at):
        assert (fewer <= more).all()
        assert fewer.sum() < more.sum()
    assert looked_at[0].sum() <= 0.25 * len(window.users)
    again = list(SteadyFigure(window, 42).rungs(model))
    assert [rung.mean for rung in again] == [rung.mean for rung in found]
    other = next(iter(SteadyFigure(window, 43).rungs(model)))
    assert (other.known != looked_at[0]).any()


def test_a_constant_score_says_nothing(window, run):
    class Flat(type(run.trained.evaluated.panel.generators["item_knn"])):
        def score(self, users):
            return np.zeros((len(users), users.history.shape[1]), dtype=np.float32)

    flat = Flat()
    flat.n_items_ = window.held_out.n_items
    assert SteadyFigure(window, 42).confirmation(flat).mean == pytest.approx(0.5)
