"""Whole runs of the weekly job: which recipe is in service afterwards, and why.

Users above 44 like the movies of even ids, all others those of odd ids. A recommender that reads
profiles knows; popularity shows the odd ones to everybody.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.release import CHALLENGER, CHAMPION
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.moving import promote, roll_back
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest, Pointer
from recsys_pipeline.pipeline.recipes import recipe_fingerprint, recipe_of
from recsys_pipeline.pipeline.releasing import Inputs, publish
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.tracked import track_model
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import Tables
from recsys_pipeline.storage.manifests import pointer_json

WORLD = WorldConfig(users=200, movies=40, interactions=4_000)
SUNDAY = pd.Timestamp("2023-12-31T12:00:00", tz="UTC").as_unit("us")
LATER = pd.Timestamp("2024-01-07T12:00:00", tz="UTC").as_unit("us")
LATER_WEEK = "2024-01-01"
POPULAR: dict[str, Any] = {"primary": "popularity"}
CRIPPLED: dict[str, Any] = {"recommenders": {"profile": {"ridge": 1e9}}}
LEARNING = LearningConfig.model_validate(
    {"k": 5, "recommenders": {"use": ["profile"]}, "ranker": {"kind": "none"}}
)


def labelled(tables: Tables, liked: Any) -> Tables:
    """The tables with these likes and nothing else that could give them away."""
    kept = [n.USER_ID, n.MOVIE_ID, n.TIMESTAMP, n.SOURCE_FILE, n.SOURCE_ROW]
    flags = pd.array(np.asarray(liked, dtype=bool), dtype="boolean")
    return replace(tables, interactions=tables.interactions[kept].assign(**{n.LIKED: flags}))


def by_age(tables: Tables) -> Tables:
    older = set(tables.users.loc[tables.users[n.AGE] > 44, n.USER_ID])
    rows = tables.interactions
    return labelled(tables, rows[n.USER_ID].isin(older) == (rows[n.MOVIE_ID] % 2 == 0))


def at_random(tables: Tables) -> Tables:
    return labelled(tables, np.random.default_rng(8).random(len(tables.interactions)) < 0.5)


def without(remainder: int) -> dict[str, Any]:
    """Popularity among the movies of the other remainder.

    By boosts, which are part of a recipe: what rules forbid holds for every recipe.
    """
    ids = [movie for movie in range(1, WORLD.movies + 1) if movie % 2 == remainder]
    return {**POPULAR, "rules": {"boosts": [{"movie_id": each, "factor": 1e-4} for each in ids]}}


def put_in_service(installation: Any, overrides: dict[str, Any]) -> None:
    """A release of that recipe as of Sunday noon, without a run of the job."""
    learning = LearningConfig.model_validate(_merged(LEARNING.model_dump(), overrides))
    store, source = installation.fakes.store, installation.fakes.source
    tables = prepare(source.read(SUNDAY), SUNDAY, learning)
    cuts = load_cuts(tables.users, tables.movies, tables.interactions, learning, SUNDAY)
    trained = train(cuts, make_feature_matrix(cuts, learning), learning, str)
    inputs = Inputs(source.description, SUNDAY, "d", learning)
    lists = make_top_n(trained.released, cuts.everything, learning.k, inputs.release)
    run = installation.fakes.tracker.run("before", "before")
    manifest = Manifest(
        inputs.release, SUNDAY.isoformat(), source.description, "d", "e", trained.facts.chosen,
        learning.k, {}, {}, "yes", {},
        model_version=track_model(run, trained.released, cuts.everything),
        recipe_fingerprint=recipe_fingerprint(learning),
    )  # fmt: skip
    publish(store, manifest, lists, trained.released, cuts.everything, learning)
    promote(store, installation.fakes.tracker, inputs.release)


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    nested = {k: _merged(values[k], v) for k, v in changes.items() if isinstance(v, dict)}
    return {**values, **changes, **nested}


@pytest.fixture(scope="module")
def served(installed, tmp_path_factory) -> Callable[..., Any]:
    """Installations in which a recipe is in service; each is made once."""
    made: dict[str, Any] = {}

    def make(name: str, overrides: dict[str, Any]) -> Any:
        if name not in made:
            made[name] = installed(tmp_path_factory.mktemp(name), WORLD, LEARNING, by_age)
            put_in_service(made[name], overrides)
        return made[name].branch(tmp_path_factory.mktemp(name))

    return make


@pytest.fixture
def good(served):
    """What knows profiles is in service."""
    return served("good", {})


@pytest.fixture
def popular(served):
    """Popularity is in service."""
    return served("popular", POPULAR)


def current(installation) -> Manifest:
    return installation.fakes.store.current()


def newest(installation) -> set[str]:
    """Ids of the releases that look from the later moment."""
    stored = installation.fakes.store.manifests()
    return {each.release for each in stored if each.as_of == LATER.isoformat()}


def test_a_worse_recipe_is_not_promoted(good) -> None:
    """The recipe in service writes the week's release; the candidate lies beside it."""
    before, events = current(good), []
    found = good.run(LATER, overrides=CRIPPLED, on_event=events.append)
    store, aliases = good.fakes.store, good.fakes.tracker.aliases

    now = current(good)
    assert now.recipe_fingerprint == before.recipe_fingerprint
    assert now.as_of == LATER.isoformat()
    assert found.release["release"] == now.release
    assert found.release["promoted"]
    assert found.release["verdict"].startswith("Better than popularity: yes.")
    assert now.verdict == "yes"
    assert now.decision.startswith("Not promoted: worse than the recipe in service")
    assert now.metrics["liked_share_in_top"] > 0.9
    assert store.pointer().before == (before.release,)

    (beside,) = newest(good) - {now.release}
    candidate = {each.release: each for each in store.manifests()}[beside]
    assert candidate.recipe_fingerprint != now.recipe_fingerprint
    assert recipe_of(store, candidate).recommenders.profile.ridge == 1e9
    assert recipe_of(store, now) == LEARNING
    assert candidate.decision == now.decision
    assert aliases == {CHAMPION: now.model_version, CHALLENGER: candidate.model_version}

    lists = good.lists(LATER_WEEK)
    assert set(lists[n.RELEASE]) == {now.release}
    pd.testing.assert_frame_equal(lists, store.read_lists(now.release))
    assert found.metadata["promotion"]["promoted"] is False
    assert found.metadata["promotion"]["in_service_before"] == before.release
    last = found.metadata["last_weeks_lists"]["sentence"]
    assert f"with a list of release {before.release}" in last
    told = [event.text for event in events if event.kind == "check"]
    assert "promotion: candidate_passes_the_gate" in told


def test_a_better_recipe_is_promoted_and_can_be_rolled_back(popular) -> None:
    store, tracker = popular.fakes.store, popular.fakes.tracker
    before = current(popular)
    lists_before = store._shelf.read(before.release, LISTS)
    popular.run(LATER)
    better = current(popular)
    assert better.recommender == "profile"
    assert better.decision.startswith("Promoted: better than the recipe in service")
    assert newest(popular) == {better.release}

    moved = roll_back(store, tracker)

    assert (moved.before.release, current(popular).release) == (better.release, before.release)
    assert store._shelf.read(current(popular).release, LISTS) == lists_before
    assert tracker.aliases[CHAMPION] == before.model_version
    assert store.pointer().held == (better.recipe_fingerprint,)

    popular.run(LATER)

    now = current(popular)
    assert now.recipe_fingerprint == before.recipe_fingerprint
    assert now.decision.startswith("Not promoted: this recipe was rolled back")
    assert store.pointer().held == (better.recipe_fingerprint,)
    assert newest(popular) == {now.release, better.release}

    promote(store, tracker, better.release)

    assert current(popular).release == better.release
    assert store.pointer().held == ()


@pytest.mark.parametrize(("when_equal", "promoted"), [("promote", True), ("keep", False)])
def test_an_equal_recipe_follows_the_settings(good, when_equal: str, promoted: bool) -> None:
    """Reasons in another language change no list."""
    before = current(good)
    found = good.run(LATER, overrides={"language": "fr", "promotion": {"when_equal": when_equal}})
    kept = current(good).recipe_fingerprint == before.recipe_fingerprint
    assert kept is not promoted
    assert found.metadata["promotion"]["difference"] == 0
    text = "Promoted: no worse than" if promoted else "Not promoted: no better than"
    assert current(good).decision.startswith(f"{text} the recipe in service")


def test_a_segment_that_would_lose_blocks(served) -> None:
    """In service is what seniors like; the candidate is better for all others, and for all."""
    installation = served("seniors", without(1))
    before = current(installation)
    found = installation.run(LATER, overrides=without(0)).metadata["promotion"]
    assert found["difference_low"] > 0
    assert found["promoted"] is False
    assert found["decision"] == "Not promoted: some users would lose too much"
    assert "segment senior (-1.000, allowed -0.050" in found["why"]
    assert current(installation).recipe_fingerprint == before.recipe_fingerprint


def test_a_person_lets_in_what_waits(popular) -> None:
    store, tracker, before = popular.fakes.store, popular.fakes.tracker, current(popular)
    found = popular.run(LATER, overrides={"promotion": {"mode": "manual"}}).metadata["promotion"]
    assert (found["promoted"], found["waits_for_approval"]) == (False, True)
    assert current(popular).recipe_fingerprint == before.recipe_fingerprint
    (waiting,) = newest(popular) - {current(popular).release}
    assert tracker.alias(CHALLENGER) != tracker.alias(CHAMPION)

    promote(store, tracker, waiting)

    assert current(popular).recommender == "profile"
    assert tracker.alias(CHALLENGER) == tracker.alias(CHAMPION)


def test_a_held_recipe_stays_out_where_nothing_can_be_refitted(popular) -> None:
    """What serves was made by a version whose settings nobody can read any more."""
    store = popular.fakes.store
    before = current(popular)
    store.publish(
        replace(before, release="2024-01-01-cccccccc"),
        {LISTS: store._shelf.read(before.release, LISTS), RECIPE: b'{"a_key_of_old": 1}'},
    )
    held = (recipe_fingerprint(LEARNING),)
    pointer = Pointer("2024-01-01-cccccccc", (before.release,), held)
    store._shelf.point(pointer_json(pointer))

    found = popular.run(LATER)

    assert store.pointer() == pointer
    assert found.release["promoted"] is False
    assert found.release["decision"].startswith("Not promoted: this recipe was rolled back")
    assert len(newest(popular)) == 1


def test_nothing_is_better_where_likes_are_drawn_at_random(installed, tmp_path: Path) -> None:
    installation, events = installed(tmp_path, WORLD, LEARNING, at_random), []
    found = installation.run(SUNDAY, on_event=events.append)
    assert found.metadata["verdict"]["answer"] in ("no", "cannot tell")
    assert found.release["verdict"].startswith(
        f"Better than popularity: {found.metadata['verdict']['answer']}."
    )
    told = [event.text for event in events if event.kind == "check"]
    assert "evaluation_metrics: better_than_popularity" in told
    assert current(installation).verdict != "yes"
