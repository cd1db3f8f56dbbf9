"""Recipes: what makes lists, told apart from how it is judged."""

from pathlib import Path

import pytest

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest
from recsys_pipeline.pipeline.recipes import (
    changed_settings,
    recipe_fingerprint,
    recipe_json,
    recipe_of,
)
from recsys_pipeline.storage import MemoryReleaseStore

PLAIN = LearningConfig()


def learning(**changes: object) -> LearningConfig:
    return LearningConfig.model_validate(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 7},
        {"evaluation": {"max_users": 10, "split": "random"}},
        {"promotion": {"mode": "manual", "margin": 0.1}},
    ],
)
def test_how_a_recipe_is_judged_is_no_part_of_it(changes: dict) -> None:
    assert recipe_fingerprint(learning(**changes)) == recipe_fingerprint(PLAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": 11},
        {"primary": "ease"},
        {"language": "fr"},
        {"likes": {"positive": "all"}},
        {"recommenders": {"use": ["ease"]}},
        {"recommenders": {"profile": {"ridge": 11}}},
        {"ranker": {"candidates": 51}},
        {"reranking": {"diversity": 0.2}},
        {"rules": {"max_per_genre": 2}},
    ],
)
def test_everything_else_is(changes: dict) -> None:
    assert recipe_fingerprint(learning(**changes)) != recipe_fingerprint(PLAIN)


def test_a_recipe_is_judged_as_the_settings_say() -> None:
    ours = learning(k=3, seed=1, evaluation={"max_users": 5}, promotion={"when_equal": "keep"})
    theirs = learning(k=8, seed=2, primary="popularity")
    judged = ours.with_recipe_of(theirs)
    assert recipe_fingerprint(judged) == recipe_fingerprint(theirs)
    assert (judged.k, judged.primary) == (8, "popularity")
    assert judged.seed == 1
    assert (judged.evaluation, judged.promotion) == (ours.evaluation, ours.promotion)


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    return MemoryReleaseStore(tmp_path / "scratch")


def stored(store: MemoryReleaseStore, recipe: bytes | None) -> Manifest:
    files: dict[str, bytes | Path] = {LISTS: b"lists"}
    if recipe is not None:
        files[RECIPE] = recipe
    given = Manifest("2024-01-07-aaaaaaaa", "", "s", "d", "e", "ease", 5, {}, {}, "yes", {})
    return store.publish(given, files)


def test_a_recipe_comes_back_as_it_went_in(store: MemoryReleaseStore) -> None:
    wanted = learning(k=7, seed=3, rules={"blocked_movies": [3, "x"]})
    assert recipe_of(store, stored(store, recipe_json(wanted))) == wanted


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is missing"),
        (b'{"a_setting_of_tomorrow": 1}', "is of another version"),
        (b"{", "is of another version"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_named(
    store: MemoryReleaseStore, content: bytes | None, why: str
) -> None:
    manifest = stored(store, content)
    with pytest.raises(ReleaseError, match=f"2024-01-07-aaaaaaaa: recipe.json {why}") as caught:
        recipe_of(store, manifest)
    assert caught.value.hint


def test_changed_settings_are_named_with_both_values() -> None:
    before = learning(k=5, ranker={"iterations": 10})
    after = learning(k=6, ranker={"iterations": 20})
    found = changed_settings(before.recipe, after.recipe)
    assert found == {"k": (5, 6), "ranker.iterations": (10, 20)}
    assert changed_settings(before.recipe, before.recipe) == {}


def test_settings_that_one_side_lacks_are_named_too() -> None:
    found = changed_settings({"a": {"x": 1}, "b": 2}, {"a": {"x": 1, "y": 2}, "c": 3})
    assert found == {"a.y": (None, 2), "b": (2, None), "c": (None, 3)}
    assert changed_settings({"a": {"x": 1}}, {"a": 5}) == {"a": ({"x": 1}, 5)}
