"""A release is one thing, and the pointer moves only forward."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.recipes import recipe_of
from recsys_pipeline.pipeline.releasing import (
    Inputs,
    in_service,
    publish,
    put_in_service,
    to_parquet,
)
from recsys_pipeline.ranking import load_released_model
from recsys_pipeline.storage import MemoryReleaseStore

MOMENT = pd.Timestamp("2023-12-31T12:00:00", tz="UTC")
INPUTS = Inputs("files in data", MOMENT, "d" * 64, LearningConfig())


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    return MemoryReleaseStore(tmp_path / "scratch")


def manifest_of(run, inputs: Inputs) -> Manifest:
    return Manifest(
        release=inputs.release,
        as_of="" if inputs.as_of is None else inputs.as_of.isoformat(),
        source=inputs.source,
        data_fingerprint=inputs.data_fingerprint,
        settings_fingerprint=inputs.settings_fingerprint,
        recommender=run.trained.facts.chosen,
        k=run.learning.k,
        rows={"top_n": len(run.lists)},
        metrics={},
        verdict="yes",
        files={},
    )


def published(store, run, *, wins=True, **changes):
    inputs = replace(INPUTS, **changes)
    lists = run.lists.assign(release=inputs.release)
    outcome = publish(
        store,
        manifest_of(run, inputs),
        lists,
        run.trained.released,
        run.cuts.everything,
        inputs.learning,
        wins=wins,
    )
    current = in_service(store)
    put_in_service(store, outcome, "" if current is None else current.release)
    return outcome


def test_equal_inputs_give_an_equal_id() -> None:
    assert INPUTS.release == replace(INPUTS).release
    assert INPUTS.release.startswith("2023-12-31-")
    assert replace(INPUTS, as_of=None).release.startswith("undated-")


@pytest.mark.parametrize(
    "change",
    [
        {"source": "other files"},
        {"as_of": MOMENT + pd.Timedelta(seconds=1)},
        {"data_fingerprint": "f" * 64},
        {"learning": LearningConfig(k=7)},
        {"sample": 0.5},
    ],
)
def test_every_input_is_in_the_id(change: dict) -> None:
    assert replace(INPUTS, **change).release != INPUTS.release


def test_inputs_of_tables_depend_on_their_rows(run) -> None:
    tables = {"users": run.cleaned.users}
    learning = INPUTS.learning
    first = Inputs.of("s", MOMENT, tables, learning, 1.0)
    assert first == Inputs.of("s", MOMENT, {"users": run.cleaned.users.copy()}, learning, 1.0)
    fewer = Inputs.of("s", MOMENT, {"users": run.cleaned.users.iloc[1:]}, learning, 1.0)
    assert fewer.release != first.release


def test_a_release_holds_lists_and_model(run, store) -> None:
    outcome = published(store, run)
    assert outcome.promoted
    assert outcome.manifest.release in outcome.why
    assert store.current() == outcome.manifest
    release = outcome.manifest.release
    pd.testing.assert_frame_equal(
        store.read_lists(release), run.lists.assign(release=release), check_dtype=False
    )
    model = load_released_model(store.folder(release) / "model")
    batch = run.cuts.everything.batch()
    assert (model.recommend(batch, 5).items == run.trained.released.recommend(batch, 5).items).all()


def test_a_release_holds_the_settings_that_it_was_made_with(run, store) -> None:
    manifest = published(store, run, learning=LearningConfig(k=7)).manifest
    assert recipe_of(store, manifest) == LearningConfig(k=7)


def test_settings_of_the_gate_change_no_id() -> None:
    learning = LearningConfig.model_validate({"promotion": {"mode": "manual"}})
    assert replace(INPUTS, learning=learning).release == INPUTS.release


def test_what_is_not_let_in_lies_beside_what_serves(run, store) -> None:
    first = published(store, run)
    later = published(store, run, wins=False, as_of=MOMENT + pd.Timedelta(days=7))
    assert not later.promoted
    assert later.manifest.release in later.why
    assert store.current() == first.manifest
    assert later.manifest in store.manifests()


def test_the_same_release_again_is_the_same(run, store) -> None:
    first, second = published(store, run), published(store, run)
    assert second.manifest == first.manifest
    assert second.promoted
    assert len(store.manifests()) == 1


def test_a_later_moment_moves_the_pointer(run, store) -> None:
    published(store, run)
    later = published(store, run, as_of=MOMENT + pd.Timedelta(days=7))
    assert later.promoted
    assert store.current().release == later.manifest.release


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"as_of": MOMENT - pd.Timedelta(days=7)}, "earlier moment"),
        ({"sample": 0.1}, "sample of the users"),
        ({"sample": 0.1, "as_of": MOMENT + pd.Timedelta(days=7)}, "sample of the users"),
    ],
)
def test_an_earlier_moment_or_a_sample_does_not_move_it(run, store, changes, why) -> None:
    first = published(store, run)
    outcome = published(store, run, **changes)
    assert not outcome.promoted
    assert why in outcome.why
    assert store.current() == first.manifest
    assert outcome.manifest in store.manifests()


def test_a_sample_serves_where_there_is_nothing_better(run, store) -> None:
    assert published(store, run, sample=0.1).promoted
    assert published(store, run).promoted


def test_another_source_may_look_from_an_earlier_moment(run, store) -> None:
    published(store, run)
    assert published(store, run, source="other", as_of=MOMENT - pd.Timedelta(days=9)).promoted


def test_a_pointer_that_cannot_be_read_is_mended(run, store) -> None:
    published(store, run)
    store._shelf.point(b"\x00 not a pointer")
    outcome = published(store, run, as_of=MOMENT - pd.Timedelta(days=7))
    assert outcome.promoted
    assert store.current() == outcome.manifest


def test_equal_frames_give_equal_bytes(run) -> None:
    assert to_parquet(run.lists) == to_parquet(run.lists.copy())
    halves = [run.lists.iloc[:100], run.lists.iloc[100:]]
    assert to_parquet(pd.concat(halves)) == to_parquet(run.lists)
    assert to_parquet(run.lists.iloc[1:]) != to_parquet(run.lists)
