"""Releases without one of their users, in every kind of store; and old releases."""

import json
import uuid
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.data.stored import load_dataset, save_dataset
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import LISTS, PEOPLE, RECIPE, Manifest
from recsys_pipeline.pipeline.releasing import to_parquet
from recsys_pipeline.storage import FileReleaseStore, MemoryReleaseStore
from recsys_pipeline.storage.releases import ShelfReleaseStore

IDS = ("2024-01-07-aaaaaaaa", "2024-01-14-bbbbbbbb", "2024-01-21-cccccccc")
MOVIES = pd.DataFrame({n.MOVIE_ID: [1, 2, 3]})


def files(folder: Path, users: list, release: str) -> dict[str, bytes | Path]:
    """A release: three places for each user, what each did, and who is blocked."""
    rng = np.random.default_rng(5)
    events = pd.DataFrame(
        {
            n.USER_ID: users * 3,
            n.MOVIE_ID: [1, 2, 3] * len(users),
            n.TIMESTAMP: pd.to_datetime(rng.integers(0, 10**6, len(users) * 3), unit="s", utc=True),
        }
    )
    profiles = pd.DataFrame({n.USER_ID: users, n.AGE: range(20, 20 + len(users))})
    home = folder / uuid.uuid4().hex
    save_dataset(build_dataset(profiles, MOVIES, events, LikesConfig(), None), home)
    lists = pd.DataFrame(
        {n.USER_ID: np.repeat(users, 3), n.RANK: [1, 2, 3] * len(users), n.RELEASE: release}
    )
    recipe = {"rules": {"blocked_users": [users[1], "x"]}}
    return {LISTS: to_parquet(lists), PEOPLE: home, RECIPE: json.dumps(recipe).encode()}


def manifest(release: str, rows: int) -> Manifest:
    counts = {"top_n": rows * 3, "users": rows, "interactions": rows * 3, "movies": 3}
    return Manifest(release, f"{release[:10]}T00:00:00+00:00", "files", "d", "s", "ease", 3,
                    counts, {}, "yes", {})  # fmt: skip


KINDS = {
    "disk": lambda folder: FileReleaseStore(folder / "releases"),
    "objects": lambda folder: FileReleaseStore(
        UPath(f"memory://bucket-{uuid.uuid4().hex}/r"), cache=folder / "cache"
    ),
    "memory": lambda folder: MemoryReleaseStore(folder / "scratch"),
}


@pytest.fixture(params=list(KINDS))
def store(request, tmp_path: Path) -> ShelfReleaseStore:
    """Three releases of the users 11, 12, 13; the second is in service, the first was before."""
    made = KINDS[request.param](tmp_path)
    for release in IDS:
        made.publish(manifest(release, 3), files(tmp_path / "made", [11, 12, 13], release))
    made.promote(IDS[0])
    made.promote(IDS[1])
    return made


def people(store: ShelfReleaseStore, release: str):
    return load_dataset(store.folder(release) / PEOPLE, MOVIES)


def test_every_release_is_rewritten_and_signed_off(store):
    before = {release: (store.read_lists(release), people(store, release)) for release in IDS}
    pointer = store.pointer()

    assert store.erase("12") == {"releases": 3, "top_n": 9, "users": 3, "interactions": 9}

    for release in IDS:
        assert store.verify(release) == []
        lists, data = before[release]
        expected = lists[lists[n.USER_ID] != 12].reset_index(drop=True)
        pd.testing.assert_frame_equal(store.read_lists(release), expected)
        left = people(store, release)
        assert left.users.values.tolist() == [11, 13]
        assert left.profiles[n.AGE].tolist() == [20, 22]
        for old, new in ((0, 0), (2, 1)):
            own, theirs = data.events.user == old, left.events.user == new
            assert data.events.time[own].tolist() == left.events.time[theirs].tolist()
            assert data.events.item[own].tolist() == left.events.item[theirs].tolist()
        recipe = json.loads((store.folder(release) / RECIPE).read_bytes())
        assert recipe == {"rules": {"blocked_users": ["x"]}}
        signed = store.manifest(release)
        assert signed.erased == store.erased(release) == 1
        rows = {"top_n": 6, "users": 2, "interactions": 6, "movies": 3}
        assert signed.rows == rows
        assert replace(signed, files={}, rows={}, erased=0) == replace(
            manifest(release, 3), rows={}
        )
    assert store.pointer() == pointer
    assert store.erase("12") == {"releases": 0}
    assert store.erase("nobody") == {"releases": 0}
    assert store.erase("11")["releases"] == 3
    assert store.erased(IDS[0]) == 2


def test_what_a_release_holds_about_a_user(store):
    found = store.held("12")

    assert set(found) == set(IDS)
    own = found[IDS[0]]
    assert [row[n.RANK] for row in own["list"]] == [1, 2, 3]
    assert own["profile"] == [{n.USER_ID: 12, n.AGE: 21}]
    assert len(own["events"]) == 3
    assert store.held("012") == {}


def test_no_copy_of_an_erased_user_stays_anywhere(tmp_path):
    store = KINDS["objects"](tmp_path)
    store.publish(manifest(IDS[0], 3), files(tmp_path / "made", ["a", "marker", "b"], IDS[0]))
    store.folder(IDS[0])
    left = store._shelf._cache / ".tmp-dead"
    left.mkdir()
    (left / "top_n.parquet").write_bytes(b"marker")

    store.erase("marker")

    root = store._shelf._root
    lying = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    lying += [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert lying
    for content in lying:
        assert b"marker" not in content
        if content.startswith(b"PAR1"):
            frame = read_frame(BytesIO(content))
            assert "marker" not in frame.get(n.USER_ID, pd.Series()).tolist()


def test_a_death_between_new_and_old_files_is_cleared_by_the_next_try(tmp_path, monkeypatch):
    store = KINDS["objects"](tmp_path)
    store.publish(manifest(IDS[0], 3), files(tmp_path / "made", [11, 12, 13], IDS[0]))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(store._shelf), "_keep_only", lambda *_: None)
        patch.setattr(type(store._shelf), "tidy", lambda *_: None)
        store.erase("12")
        patch.setattr(type(store._shelf), "put", dies)
        assert store.erase("12") == {"releases": 0}
    home = store._shelf._root / IDS[0]
    assert len([path for path in home.iterdir() if path.is_dir()]) == 2

    store.erase("12")

    assert len([path for path in home.iterdir() if path.is_dir()]) == 1
    assert store.verify(IDS[0]) == []


def test_damage_is_not_signed_off(tmp_path):
    store = KINDS["disk"](tmp_path)
    store.publish(manifest(IDS[0], 3), files(tmp_path / "made", [11, 12, 13], IDS[0]))
    home = tmp_path / "releases" / IDS[0]
    (home / RECIPE).write_text("{}")
    lists = pd.DataFrame({n.USER_ID: [12, 99]})
    (home / LISTS).write_bytes(to_parquet(lists))

    store.erase("12")

    assert store.verify(IDS[0]) == [
        f"{name} is not what the manifest says" for name in (RECIPE, LISTS)
    ]


def test_a_release_that_cannot_be_read_stops_the_erasure(tmp_path):
    store = KINDS["disk"](tmp_path)
    store.publish(manifest(IDS[0], 3), files(tmp_path / "made", [11, 12, 13], IDS[0]))
    (tmp_path / "releases" / IDS[0] / LISTS).write_bytes(b"no parquet")

    with pytest.raises(ReleaseError, match="nobody knows whom it holds"):
        store.erase("12")


def test_old_releases_go_but_not_what_is_in_service_or_was_before(store):
    assert store.prune(3) == []
    assert store.prune(1, {IDS[0]}) == []

    assert store.prune(1) == []
    store.promote(IDS[2])
    assert store.prune(1) == [IDS[0]]

    assert store.releases() == [IDS[1], IDS[2]]
    assert store.current().release == IDS[2]
    assert store.prune(1) == []


def test_nothing_goes_where_nobody_knows_what_is_in_service(tmp_path):
    store = KINDS["disk"](tmp_path)
    for release in IDS:
        store.publish(manifest(release, 3), files(tmp_path / "made", [11, 12], release))

    assert store.prune(1) == []
    assert len(store.releases()) == 3


def test_old_releases_go_by_the_moment_they_look_from(tmp_path):
    store = KINDS["disk"](tmp_path)
    for release in reversed(IDS):
        store.publish(manifest(release, 2), files(tmp_path / "made", [11, 12], release))
    store.promote(IDS[2])

    assert store.prune(2) == [IDS[0]]
