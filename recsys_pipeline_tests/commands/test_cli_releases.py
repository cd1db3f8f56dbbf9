"""`recsys releases` as a user types it, on four releases that nobody had to train."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import write_frame
from recsys_pipeline.defs import doors
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.moving import CHAMPION
from recsys_pipeline.pipeline.protocols import LISTS, RECIPE, Manifest
from recsys_pipeline.pipeline.recipes import recipe_fingerprint, recipe_json
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage import FileReleaseStore

ONE, TWO, THREE = "2024-01-07-aaaaaaaa", "2024-01-14-bbbbbbbb", "2024-01-14-bccccccc"
IDS = (ONE, TWO, THREE)
LISTED = {ONE: (10, 20), TWO: (10, 30), THREE: (30, 20)}
RECIPES = {
    ONE: LearningConfig(k=2),
    TWO: LearningConfig(k=2, primary="ease"),
    THREE: LearningConfig(k=2, primary="ease", seed=8),
}


class Registry:
    """A tracker of which nothing but the alias is asked."""

    def __init__(self) -> None:
        self.version: int | None = None

    def set_alias(self, alias: str, version: int) -> None:
        assert alias == CHAMPION
        self.version = version


@dataclass(frozen=True)
class Place:
    """A folder with settings, its releases, and the registry."""

    folder: Path
    store: FileReleaseStore
    registry: Registry


def lists_of(release: str, folder: Path) -> Path:
    rows = [(user, rank, movie) for user in (1, 2) for rank, movie in enumerate(LISTED[release], 1)]
    frame = pd.DataFrame(rows, columns=[n.USER_ID, n.RANK, n.MOVIE_ID])
    path = folder / f"{release}.parquet"
    write_frame(
        frame.assign(
            **{
                n.SOURCE: "ease",
                n.RELEASE: release,
                n.TITLE: [f"[REC] {movie}" for movie in frame[n.MOVIE_ID]],
            }
        ),
        path,
    )
    return path


@pytest.fixture
def empty(ready: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Settings and no release."""
    store = FileReleaseStore(load_settings(ready / "recsys.toml").data / "releases")
    registry = Registry()
    monkeypatch.setattr(doors, "REAL", replace(doors.REAL, tracker=lambda _: registry))
    return Place(ready, store, registry)


@pytest.fixture
def place(empty: Place, tmp_path: Path) -> Place:
    """Three releases of two recipes, none in service."""
    for version, release in enumerate(IDS, start=1):
        manifest = Manifest(
            release, f"{release[:10]}T00:00:00+00:00", "files", f"d{version}", "e", "ease", 2,
            {"users": 2, "interactions": 100 * version},
            {"liked_share_in_top": 0.25 * version, "auc": float("nan")}, "yes", {},
            model_version=version,
            recipe_fingerprint=recipe_fingerprint(RECIPES[release]),
            decision=f"Promoted [for once]. Because of {version}.",
        )  # fmt: skip
        files = {LISTS: lists_of(release, tmp_path), RECIPE: recipe_json(RECIPES[release])}
        empty.store.publish(manifest, files)
    return empty


@pytest.fixture
def releases(call: Callable) -> Callable:
    """Calls `recsys releases …` in a place."""
    return lambda place, *arguments: call(place.folder, "releases", *arguments)


@pytest.mark.parametrize("where", ["empty", "place"])
def test_before_the_first_release(releases, request, where) -> None:
    place = request.getfixturevalue(where)
    told = releases(place, "list", "--json")
    assert told.code == 0, told.err
    assert (told.json["in_service"], told.json["before"]) == (None, [])
    shown = releases(place, "list")
    assert shown.code == 0
    assert ("There is no release yet" in shown.text) == (where == "empty")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["promote", "2024"], "No whole release begins with '2024'"),
        (["rollback"], "No release was in service before this one"),
        (["rollback", "2024"], "No release was in service before this one"),
        (["diff"], "There is no release yet"),
        (["diff", "2024"], "There is no release yet"),
        (["diff", "2023", "2024"], "No whole release begins with '2023'"),
    ],
)
def test_mistakes_without_a_release(releases, empty, arguments, message) -> None:
    told = releases(empty, *arguments)
    assert told.code == 6
    assert message in told.text
    assert "Traceback" not in told.text


def test_promote_by_a_beginning(releases, place) -> None:
    told = releases(place, "promote", "2024-01-07")
    assert told.code == 0, told.err
    assert f"Release {ONE} is in service (before: nothing)" in told.text
    assert place.store.current().release == ONE
    assert place.registry.version == 1

    told = releases(place, "promote", TWO)
    assert f"Release {TWO} is in service (before: {ONE})" in told.text
    assert f"recsys releases diff {ONE} {TWO}" in told.text

    again = releases(place, "promote", TWO)
    assert f"Release {TWO} is in service already." in again.text
    assert place.store.pointer().before == (ONE,)


@pytest.mark.parametrize("command", ["promote", "rollback"])
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2024-01-14", f"Several releases begin with '2024-01-14'. → {TWO}, {THREE}"),
        ("1999", "No whole release begins with '1999'."),
        ("../x", "No whole release begins with '../x'."),
    ],
)
def test_what_is_not_clear_moves_nothing(releases, place, command, typed, message) -> None:
    for release in (ONE, TWO):
        releases(place, "promote", release)
    told = releases(place, command, typed)
    assert told.code == 6
    assert message in told.text
    assert place.store.current().release == TWO
    assert place.registry.version == 2


def test_the_list_says_what_serves_and_what_was(releases, place) -> None:
    for release in (ONE, TWO):
        releases(place, "promote", release)
    releases(place, "rollback")

    told = releases(place, "list", "--json").json
    assert told["in_service"] == ONE
    assert [each["release"] for each in told["releases"]] == [THREE, TWO, ONE]
    assert [each["held"] for each in told["releases"]] == [True, True, False]
    assert [each["metrics"]["auc"] for each in told["releases"]] == [None] * 3

    shown = releases(place, "list")
    assert shown.code == 0
    three, two, one = [row for row in shown.out.splitlines() if "2024-01" in row][:3]
    assert f"▶ {ONE}" in one
    assert "in service" in one
    assert TWO in two
    assert "likes in top 5 % 0.500" in two
    assert "its recipe was rolled back" in two
    assert "its recipe was rolled back" in three
    assert "Promoted [for once]. Because of 1." in shown.text


def test_rollback_and_back_again(releases, place) -> None:
    for release in IDS:
        releases(place, "promote", release)
    told = releases(place, "rollback")
    assert told.code == 0, told.err
    assert f"Release {TWO} is in service (before: {THREE})" in told.text
    assert place.store.pointer().held == ()

    releases(place, "rollback", "2024-01-07")
    assert place.store.current().release == ONE
    assert place.store.pointer().held == (recipe_fingerprint(RECIPES[TWO]),)
    assert place.registry.version == 1

    told = releases(place, "rollback")
    assert told.code == 6
    assert "No release was in service before this one" in told.text


def test_what_never_served_is_no_way_back(releases, place) -> None:
    for release in (ONE, TWO):
        releases(place, "promote", release)
    told = releases(place, "rollback", THREE)
    assert told.code == 6
    assert f"Release {THREE} was not in service before" in told.text
    assert "recsys releases promote" in told.text


def test_diff_is_between_before_and_now(releases, place) -> None:
    for release in (ONE, TWO):
        releases(place, "promote", release)
    told = releases(place, "diff", "--json")
    assert told.code == 0, told.err
    found = told.json
    assert (found["before"], found["after"]) == (ONE, TWO)
    assert (found["users_both"], found["changed"], found["other_movies"]) == (2, 2, 2)
    assert found["overlap"] == 0.5
    assert [(row[n.MOVIE_ID], row["change"]) for row in found["movies"]] == [("30", 2), ("20", -2)]
    assert found["settings"] == {"primary": ["auto", "ease"]}

    shown = releases(place, "diff")
    assert f"From {ONE} to {TWO}" in shown.text
    assert "2 of 2 users (100.0 %) have another list" in shown.text
    assert "on average 50 % of a list stays" in shown.text
    assert "Settings differ: primary: auto → ease." in shown.text
    assert "interactions 100 → 200" in shown.text
    assert "[REC] 30" in shown.text


def test_diff_of_any_two(releases, place) -> None:
    releases(place, "promote", TWO)
    one_named = releases(place, "diff", "2024-01-07", "--json").json
    assert (one_named["before"], one_named["after"]) == (ONE, TWO)
    both = releases(place, "diff", THREE, ONE, "--json").json
    assert (both["before"], both["after"]) == (THREE, ONE)
    same = releases(place, "diff", TWO, TWO)
    assert "Nothing differs between how they were made." in same.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff"], "No release was in service before this one"),
        (["diff", "2024-01-14"], "Several releases begin"),
        (["diff", ONE, "2099"], "No whole release begins with '2099'"),
    ],
)
def test_a_diff_that_cannot_be(releases, place, arguments, message) -> None:
    releases(place, "promote", ONE)
    told = releases(place, *arguments, "--json")
    assert (told.code, told.out) == (6, "")
    assert message in told.text


def test_without_its_settings_a_release_can_be_compared(releases, place, tmp_path) -> None:
    bare = replace(place.store.manifests()[0], release="2024-02-04-dddddddd")
    place.store.publish(bare, {LISTS: lists_of(ONE, tmp_path)})
    told = releases(place, "diff", ONE, "2024-02")
    assert told.code == 0, told.err
    assert "does not say with which settings it was made" in told.text


def test_a_damaged_release_is_not_put_in_service(releases, place) -> None:
    releases(place, "promote", ONE)
    path = next((place.folder / "data" / "releases").rglob(f"{TWO}*/{LISTS}"), None)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"PAR1")
    told = releases(place, "promote", TWO)
    assert told.code == 6
    assert place.store.current().release == ONE
    listed = releases(place, "list", "--json").json["releases"]
    assert [each["release"] for each in listed] == [THREE, ONE]


@pytest.mark.parametrize("command", [[], ["list"], ["promote"], ["rollback"], ["diff"]])
def test_help_needs_no_manual(call, tmp_path, command) -> None:
    told = call(tmp_path, "releases", *command, "--help")
    assert told.code == 0
    assert "release" in told.out


@pytest.mark.parametrize("arguments", [["promote"], ["lits"], ["promote", ONE, TWO]])
def test_what_is_not_a_command(call, ready, arguments) -> None:
    assert call(ready, "releases", *arguments).code == 2
