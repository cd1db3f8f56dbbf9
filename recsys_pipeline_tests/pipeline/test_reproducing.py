"""A release made again is the same to the last byte, or the difference has a name."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.fingerprint import fingerprint
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.pipeline.content_digest import content_digest
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest
from recsys_pipeline.pipeline.releasing import Inputs, publish
from recsys_pipeline.pipeline.reproducing import (
    PACKAGES,
    Lock,
    Original,
    Reproduction,
    environment,
    reproduce,
)
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.ranking.ranker import TRUSTED
from recsys_pipeline.storage import MemoryReleaseStore


@pytest.fixture(scope="module")
def stored_tables(run, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The clean tables as they come back from where they are kept."""
    folder = tmp_path_factory.mktemp("assets")
    found = {}
    for contract in SOURCE_TABLES:
        path = folder / f"{contract.name}.parquet"
        write_frame(getattr(run.cleaned, contract.name), path)
        found[contract.name] = read_frame(path)
    return found


@pytest.fixture(scope="module")
def original(run, stored_tables, make_learning, tmp_path_factory) -> Original:
    """A release of these tables, published as the weekly job does."""
    learning = make_learning({"primary": "two_stage"})
    cuts = load_cuts(**stored_tables, learning=learning, as_of=run.as_of)
    trained = train(cuts, make_feature_matrix(cuts, learning), learning, str)
    store = MemoryReleaseStore(tmp_path_factory.mktemp("scratch"))
    inputs = Inputs.of("world", run.as_of, stored_tables, learning, 1.0)
    lists = make_top_n(trained.released, cuts.everything, 5, inputs.release)
    manifest = Manifest(
        release=inputs.release,
        as_of=run.as_of.isoformat(),
        source=inputs.source,
        data_fingerprint=inputs.data_fingerprint,
        settings_fingerprint=inputs.settings_fingerprint,
        recommender=trained.facts.chosen,
        k=5,
        rows={name: len(frame) for name, frame in stored_tables.items()},
        metrics={},
        verdict="yes",
        files={},
    )
    stored = publish(store, manifest, lists, trained.released, cuts.everything, learning).manifest
    folder = store.folder(stored.release)
    return Original(stored, learning, lists, folder, Lock.of(stored_tables))


@pytest.fixture(scope="module")
def trainings(stored_tables, original) -> Callable[..., object]:
    """Trains once for all tests in which the training is not what is tested."""
    made = {}

    def fits(cuts, matrix, learning, progress):
        if not made:
            made["only"] = train(cuts, matrix, learning, progress)
        return made["only"]

    return fits


@pytest.fixture(scope="module")
def same(original, stored_tables) -> Reproduction:
    return reproduce(original, stored_tables, str)


def test_the_same_inputs_give_the_same_bytes(same, original):
    assert same.same
    assert same.made
    assert {each.name for each in same.compared if each.kind == "file"} == set(
        original.manifest.files
    )
    assert same.other_lists == 0
    assert same.users == original.lists[n.USER_ID].nunique()
    assert same.sentence.startswith(f"Release {original.manifest.release} came out the same")
    assert all(each.same for each in same.compared)


def test_a_ranker_is_the_same_though_it_is_never_written_twice_alike(same, original):
    (name,) = [each for each in original.manifest.files if each.endswith(".skops")]
    content = (original.folder / name).read_bytes()
    model = skops.io.loads(content, trusted=TRUSTED)
    model._bin_mapper.n_threads += 5
    again = skops.io.dumps(model)
    other = skops.io.dumps(HistGradientBoostingClassifier(max_iter=2).fit([[0], [1]], [0, 1]))

    assert again != content
    assert content_digest(name, again) == content_digest(name, content)
    assert content_digest(name, other) != content_digest(name, content)
    assert content_digest("a.bin", again) != content_digest("a.bin", content)
    for broken in (b"", b"no archive", content[:-30]):
        assert content_digest(name, broken) == hashlib.sha256(broken).hexdigest()


@pytest.mark.parametrize("table", [contract.name for contract in SOURCE_TABLES])
def test_a_table_that_changed_is_named_and_nothing_is_made(original, stored_tables, table):
    def never(*_: object) -> None:
        raise AssertionError("trained on other tables")

    changed = stored_tables[table].sort_index(ascending=False).reset_index(drop=True)
    found = reproduce(original, {**stored_tables, table: changed}, str, fits=never)

    assert (found.made, found.same) == (False, False)
    assert [each.name for each in found.differing("table")] == [table]
    assert f"in its tables {table} changed since" in found.sentence


def test_without_a_lock_rows_tell_tables_apart(original, stored_tables):
    unlocked = replace(original, lock=None)
    fewer = {**stored_tables, "movies": stored_tables["movies"].iloc[1:]}
    turned = {**stored_tables, "movies": stored_tables["movies"].iloc[::-1]}

    by_rows = reproduce(unlocked, fewer, str)
    unknown = reproduce(unlocked, turned, str)

    assert [each.name for each in by_rows.differing("table")] == ["movies"]
    assert unknown.differing("table") == ()
    assert "some values changed since" in unknown.sentence
    assert (by_rows.same, unknown.same) == (False, False)


def test_another_version_is_named_where_bytes_differ(original, stored_tables, trainings):
    files = {**original.manifest.files, LISTS: "0" * 64}
    manifest = replace(original.manifest, files=files)
    here = {**environment(), "numpy": "99.0"}

    found = reproduce(
        replace(original, manifest=manifest), stored_tables, str, here=here, fits=trainings
    )

    assert not found.same
    assert [each.name for each in found.differing("file")] == [LISTS]
    assert [each.name for each in found.differing("package")] == ["numpy"]
    assert "top_n.parquet differs" in found.sentence
    assert "→ 99.0" in found.sentence
    assert "only how they are written differs" in found.sentence


def test_lists_that_differ_are_counted(original, stored_tables, trainings):
    lists = original.lists.copy()
    first = lists[n.USER_ID] == lists[n.USER_ID].iloc[0]
    lists.loc[first, n.SCORE] = 0.5
    manifest = replace(original.manifest, files={**original.manifest.files, LISTS: "0" * 64})

    found = reproduce(
        replace(original, lists=lists, manifest=manifest, lock=None),
        stored_tables,
        str,
        fits=trainings,
    )

    assert found.other_lists == 1
    assert f"1 of {found.users} users have another list" in found.sentence
    assert "does not say with which versions" in found.sentence


def test_a_file_of_one_side_only_differs(original, stored_tables, trainings):
    files = dict(original.manifest.files)
    del files[RECIPE]
    files["model/extra.json"] = "1" * 64
    manifest = replace(original.manifest, files=files)

    found = reproduce(replace(original, manifest=manifest), stored_tables, str, fits=trainings)

    differing = {each.name: (each.then, each.now) for each in found.differing("file")}
    assert set(differing) == {RECIPE, "model/extra.json"}
    assert differing["model/extra.json"][1] == differing[RECIPE][0] == ""
    assert "every version is the same" in found.sentence


def test_the_environment_names_what_computes():
    found = environment()

    assert set(found) == {"python", "system", "blas", "code", *PACKAGES}
    assert found["numpy"].count(".") >= 2
    assert found["blas"]
    assert len(found["code"]) == 12
    assert environment() == found


def test_a_lock_is_read_as_it_was_written(tmp_path: Path, stored_tables):
    lock = Lock.of(stored_tables)
    path = tmp_path / "lock.json"

    assert Lock.read(path) is None
    path.write_bytes(lock.to_json())
    assert Lock.read(path) == lock
    assert lock.tables["users"] == fingerprint({"users": stored_tables["users"]})
    for content in (
        b"{}",
        b"[]",
        b"no json",
        b'{"environment": 1, "tables": 2}',
        b'{"environment": {}, "tables": {}}',
        b'{"environment": {}, "tables": {"users": 1, "movies": 2, "interactions": 3}}',
    ):
        path.write_bytes(content)
        assert Lock.read(path) is None
