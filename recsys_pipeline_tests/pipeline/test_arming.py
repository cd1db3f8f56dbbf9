"""Lists for arms: which releases are made, which are shared, and what happens when one fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.experiments.assignment import recipe_key
from recsys_pipeline.pipeline.arming import (
    Armed,
    arm_lists,
    changed_learning,
    check_changes,
    only_what_it_needs,
)
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.made import Judgement, Made, Origin, manifest_of
from recsys_pipeline.pipeline.recipes import recipe_of
from recsys_pipeline.pipeline.releasing import Inputs, publish
from recsys_pipeline.pipeline.training import train
from recsys_pipeline.storage import MemoryReleaseStore

POPULAR, KNN = {"primary": "popularity"}, {"primary": "item_knn"}
ORIGIN = Origin("run 1", started="2024-01-08T03:00:00+00:00")


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    return MemoryReleaseStore(tmp_path / "scratch")


@pytest.fixture
def week(run, store) -> "Week":
    return Week(run, store)


class Week:
    """A release in service, and what the arms get beside it."""

    def __init__(self, run: Any, store: MemoryReleaseStore) -> None:
        self.run, self.store, self.said, self.fitted = run, store, [], []
        cleaned = run.cleaned
        self.tables = {
            "users": cleaned.users,
            "movies": cleaned.movies,
            "interactions": cleaned.interactions,
        }
        self.inputs = Inputs.of("world", run.as_of, self.tables, run.learning, 1.0)

    def serve(self, learning: LearningConfig | None = None) -> str:
        data = self.run.cuts.everything
        own = replace(self.inputs, learning=learning or self.run.learning)
        judged = Judgement({}, {}, "yes", "", "")
        made = Made.of(self.run.trained, own, judged, data, self.tables)
        outcome = publish(
            self.store, manifest_of(made, {}, ORIGIN), made.lists,
            self.run.trained.released, data, own.learning,
        )  # fmt: skip
        self.store.promote(outcome.manifest.release)
        return outcome.manifest.release

    def arm(self, *changes: dict[str, Any], **inputs: Any) -> dict[str, Armed]:
        wanted = {recipe_key(each): each for each in changes}
        own = replace(self.inputs, **inputs)
        done = arm_lists(
            self.store, wanted, self.tables, own, ORIGIN, self.said.append, fits=self.fit
        )
        return {each.recipe: each for each in done}

    def fit(self, cuts: Any, matrix: pd.DataFrame, learning: LearningConfig, progress: Any) -> Any:
        self.fitted.append(learning)
        return train(cuts, matrix, learning, progress)


def test_each_recipe_gets_a_release_of_its_own_beside_the_one_in_service(week, store):
    served = week.serve()
    done = week.arm(POPULAR, KNN)

    popular, knn = done[recipe_key(POPULAR)], done[recipe_key(KNN)]
    assert (popular.recommender, knn.recommender) == ("popularity", "item_knn")
    assert store.pointer().release == served
    assert store.pointer().arms == {
        recipe_key(KNN): knn.release,
        recipe_key(POPULAR): popular.release,
    }
    manifest = store.manifest(popular.release)
    assert (manifest.arm_of, manifest.metrics) == (recipe_key(POPULAR), {})
    assert recipe_of(store, manifest).primary == "popularity"
    lists = store.read_lists(popular.release)
    assert set(lists[n.SOURCE]) <= {"popularity", "exploration"}
    assert lists[n.USER_ID].nunique() == week.run.cuts.everything.n_users
    assert store.verify(knn.release) == []


def test_a_popular_arm_fits_popularity_alone(week):
    week.serve()
    week.arm(POPULAR)
    (learning,) = week.fitted
    assert learning.recommenders.use == ()
    assert learning.ranker.kind == "none"


def test_equal_recipes_share_a_release(week, store):
    served = week.serve()
    same = POPULAR | {"k": week.run.learning.k}
    done = week.arm(POPULAR, same, {"primary": "two_stage"})

    assert len(week.fitted) == 1
    assert done[recipe_key(POPULAR)].release == done[recipe_key(same)].release
    # The recipe of what is in service needs no release of its own.
    assert done['{"primary":"two_stage"}'].release == served


def test_the_same_week_again_gives_the_same_release(week, store):
    week.serve()
    first = week.arm(POPULAR)
    assert week.arm(POPULAR) == first


def test_an_arm_changes_what_is_in_service_and_not_the_settings(week, store):
    """Else a recipe that the gate keeps out would be in the arm's lists and not the control's."""
    week.serve(week.run.learning.model_copy(update={"k": 3, "primary": "item_knn"}))
    done = week.arm(POPULAR)
    manifest = store.manifest(done[recipe_key(POPULAR)].release)
    assert manifest.k == 3


def test_hard_rules_hold_in_every_arm(week, store):
    week.serve()
    blocked = int(week.tables["movies"][n.MOVIE_ID].iloc[0])
    rules = week.run.learning.rules.model_copy(update={"blocked_movies": (blocked,)})
    learning = week.run.learning.model_copy(update={"rules": rules})
    changes = POPULAR | {"rules": {"blocked_movies": []}}
    done = week.arm(changes, learning=learning)
    lists = store.read_lists(done[recipe_key(changes)].release)
    assert blocked not in set(lists[n.MOVIE_ID])


@pytest.mark.parametrize(
    "wrong", [{"primary": "eaze"}, {"recommenders": {"use": []}, "primary": "ease"}]
)
def test_a_recipe_that_fails_keeps_what_it_had_and_stops_nobody(week, store, wrong):
    week.serve()
    store.arm(recipe_key(wrong), store.pointer().release)
    done = week.arm(wrong, POPULAR)

    failed = done[recipe_key(wrong)]
    assert (failed.release, failed.fresh) == (store.pointer().release, False)
    assert "primary" in failed.note
    assert any("No new lists" in line for line in week.said)
    assert done[recipe_key(POPULAR)].fresh


def test_a_fit_that_breaks_stops_neither_the_run_nor_other_arms(week, monkeypatch):
    week.serve()

    def fit(cuts: Any, matrix: pd.DataFrame, learning: LearningConfig, progress: Any) -> Any:
        if learning.primary == "item_knn":
            raise ValueError("no neighbours")
        return train(cuts, matrix, learning, progress)

    monkeypatch.setattr(week, "fit", fit)
    done = week.arm(KNN, POPULAR)
    assert done[recipe_key(POPULAR)].fresh
    assert (done[recipe_key(KNN)].fresh, done[recipe_key(KNN)].note) == (
        False, "ValueError: no neighbours",
    )  # fmt: skip


def test_a_promotion_of_an_arms_recipe_on_the_same_data_is_a_release_of_its_own(week, store):
    week.serve()
    of_arm = week.arm(KNN)[recipe_key(KNN)].release
    own = recipe_of(store, store.manifest(of_arm))
    assert of_arm != replace(week.inputs, learning=own).release
    assert of_arm == replace(week.inputs, learning=own, arm_of=recipe_key(KNN)).release


def test_arms_that_nobody_wants_any_more_lose_their_release(week, store):
    week.serve()
    week.arm(POPULAR)
    assert week.arm() == {}
    assert store.pointer().arms == {}
    assert len(store.releases()) == 2


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"sample": 0.5}, "sample"),
        ({"as_of": pd.Timestamp("2001-01-01", tz="UTC")}, "later moment"),
    ],
)
def test_a_sample_and_an_old_week_leave_the_arms_alone(week, store, inputs, why):
    week.serve()
    before = week.arm(POPULAR)[recipe_key(POPULAR)]
    after = week.arm(POPULAR, KNN, **inputs)
    assert [each.fresh for each in after.values()] == [False, False]
    assert after[recipe_key(POPULAR)].release == before.release
    assert why in week.said[-1]
    assert store.pointer().arms == {recipe_key(POPULAR): before.release}


def test_before_the_first_release_there_is_nothing_to_arm(week):
    assert week.arm(POPULAR) == {}


def changed(changes: dict[str, Any]) -> Callable[[], LearningConfig]:
    return lambda: changed_learning(LearningConfig(), changes)


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"primry": "ease"}, "'learning.primry'", "'primary'"),
        ({"reranking": {"exploration_slot": 1}}, "'learning.reranking.exploration_slot'",
         "'exploration_slots'"),
        ({"k": 0}, "learning.k", "settings.md"),
        ({"reranking": 3}, "learning.reranking", "settings.md"),
    ],
)  # fmt: skip
def test_a_wrong_change_is_named_with_the_nearest_key(changes, message, hint):
    with pytest.raises(SettingsError, match=message) as refused:
        changed(changes)()
    assert hint in refused.value.hint


def test_changes_reach_into_groups_and_leave_the_rest():
    learning = changed({"reranking": {"exploration_slots": 2}, "seed": 7})()
    assert learning.reranking.exploration_slots == 2
    assert learning.reranking.candidates == LearningConfig().reranking.candidates
    assert learning.seed == LearningConfig().seed


def test_changes_that_change_no_list_are_refused():
    with pytest.raises(SettingsError, match="do not change"):
        check_changes(LearningConfig(), {"seed": 7})
    assert check_changes(LearningConfig(), {}) == LearningConfig()


def test_what_an_arm_needs_depends_on_its_primary():
    def use(primary: str) -> tuple[str, ...]:
        learning = LearningConfig.model_validate({"primary": primary})
        return only_what_it_needs(learning).recommenders.use

    assert use("auto") == use("blend") == LearningConfig().recommenders.use
    assert use("popularity") == ()
    assert use("ease") == ("ease", "content", "taste", "trending")
    assert use("content") == ("content", "taste", "trending")
