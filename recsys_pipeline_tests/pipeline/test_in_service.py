"""The recipe in service as an opponent: when it is refitted, and when there is nothing to refit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.in_service import InService, refit_in_service
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest
from recsys_pipeline.pipeline.recipes import recipe_fingerprint, recipe_json
from recsys_pipeline.storage import MemoryReleaseStore

OURS = LearningConfig.model_validate({"k": 5, "seed": 3, "ranker": {"kind": "none"}})
THEIRS = LearningConfig.model_validate({"k": 4, "seed": 9, "primary": "popularity"})


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    return MemoryReleaseStore(tmp_path / "scratch")


def put(
    store: MemoryReleaseStore, learning: LearningConfig, day: int = 7, recipe: bytes | None = None
) -> str:
    """A release of that recipe, in service."""
    release = f"2024-01-{day:02d}-aaaaaaaa"
    manifest = Manifest(release, "", "s", "d", "e", "ease", 5, {}, {}, "yes", {})
    content = recipe_json(learning) if recipe is None else recipe
    store.publish(
        replace(manifest, recipe_fingerprint=recipe_fingerprint(learning)),
        {LISTS: release.encode(), RECIPE: content},
    )
    store.promote(release)
    return release


Refit = Callable[..., tuple[InService, list[LearningConfig]]]


@pytest.fixture
def refit(run, store) -> Refit:
    """`refit_in_service` with a trainer that only notes what it was asked for."""

    def once(
        fails: Exception | None = None, **options: Any
    ) -> tuple[InService, list[LearningConfig]]:
        asked: list[LearningConfig] = []

        def fits(cuts, matrix, learning, progress):
            assert len(matrix)
            assert cuts.everything.n_users == run.cuts.everything.n_users
            asked.append(learning)
            if fails is not None:
                raise fails
            return replace(
                run.trained, released=replace(run.trained.released, rules=learning.rules)
            )

        tables = run.cleaned
        found = refit_in_service(
            store, tables.users, tables.movies, tables.interactions, OURS, run.as_of,
            str, fits=fits, **options,
        )  # fmt: skip
        return found, asked

    return once


def test_with_nothing_in_service_there_is_no_opponent(refit) -> None:
    found, asked = refit()
    assert found == InService(note="Nothing is in service yet.")
    assert asked == []


def test_the_same_recipe_is_not_compared_with_itself(refit, store) -> None:
    judged_otherwise = OURS.model_copy(update={"seed": 77})
    release = put(store, judged_otherwise)
    found, asked = refit()
    assert (found.release, found.same, found.held, found.trained) == (release, True, False, None)
    assert "the one in service" in found.note
    assert asked == []


def test_another_recipe_is_refitted_and_judged_as_the_settings_say(refit, store, run) -> None:
    release = put(store, THEIRS)
    found, asked = refit()
    assert (found.release, found.same, found.held, found.note) == (release, False, False, "")
    assert found.trained.facts is run.trained.facts
    assert asked == [found.learning]
    assert (found.learning.k, found.learning.primary, found.learning.seed) == (4, "popularity", 3)


def test_a_sample_is_not_compared(refit, store) -> None:
    release = put(store, THEIRS)
    found, asked = refit(sampled=True)
    assert (found.release, found.trained, found.learning) == (release, None, None)
    assert "sample" in found.note
    assert asked == []


@pytest.mark.parametrize("content", [b"{", b'{"a_key_of_tomorrow": 1}'])
def test_a_recipe_that_cannot_be_read_is_said_and_not_compared(refit, store, content) -> None:
    release = put(store, THEIRS, recipe=content)
    found, asked = refit()
    assert (found.release, found.trained) == (release, None)
    assert "is of another version" in found.note
    assert found.note.endswith("The candidate is not compared.")
    assert asked == []


def test_a_recipe_that_fits_the_data_no_longer_keeps_no_other_one_out(refit, store) -> None:
    release = put(store, THEIRS)
    found, asked = refit(fails=ModelError("No pairs to learn from."))
    assert (found.release, found.trained, found.learning) == (release, None, None)
    assert found.note == (
        "The recipe in service cannot be refitted: No pairs to learn from. "
        "The candidate is not compared."
    )
    assert len(asked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"likes": {"positive": "rating", "weights": {"event_types": {"view": 0.5}}}},
        {"rules": {"boosts": [{"movie_id": 987_654, "factor": 2}]}},
    ],
)
def test_a_column_or_movie_that_is_gone_is_named(refit, store, changes) -> None:
    put(store, LearningConfig.model_validate(changes))
    found, _ = refit()
    assert found.trained is None
    assert "event_types" in found.note or "987654" in found.note


def test_a_failure_that_is_nobodys_mistake_is_not_hidden(refit, store) -> None:
    put(store, THEIRS)
    with pytest.raises(ZeroDivisionError):
        refit(fails=ZeroDivisionError())


@pytest.mark.parametrize("sampled", [False, True])
def test_a_recipe_that_was_rolled_back_is_held(refit, store, sampled) -> None:
    put(store, THEIRS, day=7)
    put(store, OURS, day=14)
    store.roll_back("2024-01-07-aaaaaaaa")
    found, _ = refit(sampled=sampled)
    assert found.held
    assert (found.trained is None) == sampled


def test_a_pointer_that_cannot_be_read_is_no_opponent(refit, store) -> None:
    put(store, THEIRS)
    store._shelf.point(b"\x00")
    assert refit()[0] == InService(note="Nothing is in service yet.")


@pytest.mark.parametrize(
    "given",
    [
        InService(),
        InService("2024-01-07-aaaaaaaa", same=True, note="The same, – refitted."),
        InService("2024-01-07-aaaaaaaa", held=True, note="A sample."),
    ],
)
def test_saved_and_loaded_it_is_the_same(given: InService, tmp_path: Path) -> None:
    given.save(tmp_path / "in" / "service")
    assert InService.load(tmp_path / "in" / "service") == given


def test_saved_and_loaded_with_its_models(run, tmp_path: Path) -> None:
    given = InService("2024-01-07-aaaaaaaa", held=True, learning=THEIRS, trained=run.trained)
    given.save(tmp_path)
    found = InService.load(tmp_path)
    assert (found.release, found.held, found.learning) == (given.release, True, THEIRS)
    batch = run.cuts.everything.batch()
    np.testing.assert_array_equal(
        found.trained.released.recommend(batch, 5).items,
        run.trained.released.recommend(batch, 5).items,
    )
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle")]


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"learning": {"k": 0}}', '{"learning": null, "x": 1}']
)
def test_half_of_it_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "in_service.json").write_text(content)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        InService.load(tmp_path)
    assert "recipe_in_service" in caught.value.hint
