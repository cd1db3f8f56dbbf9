"""The candidate against the recipe in service, in a world where profiles tell what is liked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation import names as m
from recsys_pipeline.evaluation.promotion import CANDIDATE
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.deciding import (
    COMPARED,
    IN_SERVICE,
    OPPONENT_ANSWER,
    OPPONENT_FIGURES,
    OPPONENT_INTERVALS,
    OPPONENT_SENTENCE,
    PROMOTED,
    REASON,
    TITLE,
    WAITS,
    Promotion,
    decide_promotion,
    decision_row,
)
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.in_service import InService
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.story import story
from recsys_pipeline.pipeline.training import Trained, load_cuts, train
from recsys_pipeline.ranking.panel import POPULARITY
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource

RELEASE = "2024-01-07-aaaaaaaa"
GOOD = {"recommenders": {"use": ["profile"]}, "ranker": {"kind": "none"}, "primary": "profile"}
BAD = {**GOOD, "primary": "popularity"}


@dataclass(frozen=True)
class Fitted:
    """A recipe, fitted."""

    learning: LearningConfig
    cuts: Cuts
    trained: Trained


@pytest.fixture(scope="module")
def fit(relabelled, make_learning) -> Callable[..., Fitted]:
    """Fits a recipe: users above an age like the movies of even ids, all others the odd ones."""
    source = SimulatedSource(WorldConfig(users=300, movies=40, interactions=6_000))
    as_of = source.newest_event()
    tables = source.read(as_of)

    def make(changes: dict[str, Any], above: int = 34) -> Fitted:
        learning = make_learning(changes)
        older = set(tables.users.loc[tables.users[n.AGE] > above, n.USER_ID])
        planted = relabelled(
            tables, lambda rows: rows[n.USER_ID].isin(older) == (rows[n.MOVIE_ID] % 2 == 0)
        )
        found = prepare(planted, as_of, learning)
        cuts = load_cuts(found.users, found.movies, found.interactions, learning, as_of)
        trained = train(cuts, make_feature_matrix(cuts, learning), learning, str)
        return Fitted(learning, cuts, trained)

    return make


@pytest.fixture(scope="module")
def good(fit) -> Fitted:
    return fit(GOOD)


@pytest.fixture(scope="module")
def bad(fit) -> Fitted:
    return fit(BAD)


def decided(
    candidate: Fitted, opponent: Fitted | None, promotion: dict[str, Any] | None = None,
    **about: Any,
) -> Promotion:  # fmt: skip
    """The decision with these settings of the gate."""
    values = candidate.learning.model_dump()
    learning = LearningConfig.model_validate({**values, "promotion": promotion or {}})
    in_service = InService(RELEASE, **about)
    cuts = None
    if opponent is not None:
        in_service = replace(in_service, learning=opponent.learning, trained=opponent.trained)
        cuts = opponent.cuts
    return decide_promotion(candidate.cuts, candidate.trained, in_service, learning, cuts, str)


def test_the_first_recipe_is_promoted(good) -> None:
    said: list[str] = []
    found = decide_promotion(good.cuts, good.trained, InService(), good.learning, None, said.append)
    assert (found.promoted, found.waits, found.compared) == (True, False, False)
    assert found.decision.outcome == "first"
    assert set(found.figures) == {CANDIDATE, POPULARITY}
    assert found.opponent == ""
    assert said == [found.sentence]


def test_a_better_one_is_promoted(good, bad) -> None:
    found = decided(good, bad)
    assert (found.promoted, found.waits, found.compared) == (True, False, True)
    assert found.decision.outcome == "better"
    assert found.decision.metric == m.LIKED_SHARE_IN_TOP
    assert found.figures[CANDIDATE].mean > 0.9
    assert 0.3 < found.figures[IN_SERVICE].mean < 0.7
    assert found.opponent == RELEASE
    assert found.opponent_verdict.answer != "yes"
    assert found.sentence.startswith("Promoted: better than the recipe in service.")


def test_a_worse_one_is_not(good, bad) -> None:
    found = decided(bad, good)
    assert (found.promoted, found.waits, found.compared) == (False, False, True)
    assert found.decision.outcome == "worse"
    assert found.decision.difference.high < 0
    assert found.opponent_verdict.answer == "yes"
    theirs = found.figures[IN_SERVICE]
    assert found.opponent_figures[m.LIKED_SHARE_IN_TOP] == theirs.mean
    assert found.opponent_intervals[m.LIKED_SHARE_IN_TOP] == (theirs.low, theirs.high)
    for name, (low, high) in found.opponent_intervals.items():
        assert low <= found.opponent_figures[name] <= high


@pytest.mark.parametrize(("when_equal", "promoted"), [("promote", True), ("keep", False)])
def test_an_equal_one_follows_the_settings(good, when_equal, promoted) -> None:
    found = decided(good, good, {"when_equal": when_equal})
    assert found.decision.outcome == "equal"
    assert found.decision.difference.mean == 0
    assert (found.promoted, found.waits) == (promoted, False)


def test_a_person_is_asked_where_the_settings_say(good, bad) -> None:
    found = decided(good, bad, {"mode": "manual"})
    assert (found.promoted, found.waits) == (False, True)
    assert found.sentence.startswith("Waits for approval")
    refused = decided(bad, good, {"mode": "manual"})
    assert (refused.promoted, refused.waits) == (False, False)


@pytest.mark.parametrize("opponent", [True, False])
def test_what_was_rolled_back_stays_out(good, bad, opponent) -> None:
    found = decided(good, bad if opponent else None, held=True)
    assert (found.promoted, found.waits) == (False, False)
    assert found.decision.title == "Not promoted: this recipe was rolled back"
    assert "recsys releases promote" in found.decision.reason


def test_the_recipe_in_service_is_refitted_without_a_comparison(good) -> None:
    found = decided(good, None, same=True, note="It is the same.")
    assert found.promoted
    assert not found.compared
    assert found.sentence == "Refitted: the recipe in service. It is the same."


def test_where_nothing_can_be_compared_it_says_so(good) -> None:
    found = decided(good, None, note="It cannot be read.")
    assert found.promoted
    assert found.sentence == "Promoted without a comparison. It cannot be read."


def without_movies(remainder: int) -> dict[str, Any]:
    """Popularity among the movies whose id has the other remainder."""
    ids = [movie for movie in range(1, 41) if movie % 2 == remainder]
    return {**BAD, "rules": {"exclude": [{"column": n.MOVIE_ID, "values": ids}]}}


@pytest.mark.parametrize("floor", [0.05, 0.99])
def test_a_segment_that_loses_blocks_what_is_better_for_most(fit, floor: float) -> None:
    """In service is what seniors like; the candidate shows what everybody else likes."""
    theirs, ours = fit(without_movies(1), above=44), fit(without_movies(0), above=44)
    found = decided(ours, theirs, {"segment_floor": floor})
    groups = found.decision.groups.set_index([m.GROUPING, m.GROUP])
    by_name = {each.name: each for each in found.decision.conditions}
    assert found.decision.outcome == "better"
    assert by_name["difference"].passed
    senior = groups.loc[(n.SEGMENT, "senior")]
    assert senior["diff_to_in_service"] == pytest.approx(-1)
    assert bool(senior["blocks"])
    assert not groups.loc[(n.SEGMENT, "young"), "blocks"]
    assert not by_name["groups"].passed
    assert "senior" in by_name["groups"].text
    assert not found.promoted
    assert found.decision.title == "Not promoted: some users would lose too much"


def test_both_recipes_meet_the_same_test_whatever_they_read(good, fit) -> None:
    """An opponent to whom every event is a like is judged by likes and dislikes all the same."""
    reads_all = fit({**GOOD, "likes": {"positive": "all"}})
    found = decided(good, reads_all)
    assert found.decision.metric == m.LIKED_SHARE_IN_TOP
    assert found.decision.outcome == "better"
    assert found.opponent_verdict.metric == m.LIKED_SHARE_IN_TOP


def test_the_row_and_the_story_say_the_same(good, bad) -> None:
    found = decided(bad, good)
    (row,) = decision_row(found).to_dict("records")
    assert (row[PROMOTED], row[WAITS], row[COMPARED]) == (False, False, True)
    assert f"{row[TITLE]}. {row[REASON]}" == found.sentence
    assert row["difference"] == found.decision.difference.mean
    assert row["candidate"] - row["in_service"] == pytest.approx(row["difference"])
    assert row[OPPONENT_ANSWER] == "yes"
    assert row[OPPONENT_SENTENCE] == found.opponent_verdict.sentence
    assert json.loads(row[OPPONENT_FIGURES]) == found.opponent_figures
    bounds = {name: list(both) for name, both in found.opponent_intervals.items()}
    assert json.loads(row[OPPONENT_INTERVALS]) == bounds

    told = story(found, "Better than popularity: no.", bad.trained.facts)
    assert told.startswith(f"## {found.decision.title}")
    assert "**Better than popularity: no.**" in told
    assert all(each.text in told for each in found.decision.conditions)
    assert told.count("❌") == sum(not each.passed for each in found.decision.conditions) > 0
    assert f"| in service | {found.figures[IN_SERVICE].mean:.4f} |" in told


def test_a_first_decision_makes_a_row_too(good) -> None:
    found = decide_promotion(good.cuts, good.trained, InService(), good.learning, None, str)
    (row,) = decision_row(found).to_dict("records")
    assert (row[PROMOTED], row[OPPONENT_ANSWER], row[OPPONENT_FIGURES]) == (True, "", "{}")
    assert np.isnan([row["in_service"], row["difference"]]).all()
    assert isinstance(found.table(), pd.DataFrame)
    assert found.table()["passed"].all()


def test_the_same_decision_twice(good, bad) -> None:
    first, second = decision_row(decided(good, bad)), decision_row(decided(good, bad))
    pd.testing.assert_frame_equal(first, second)
