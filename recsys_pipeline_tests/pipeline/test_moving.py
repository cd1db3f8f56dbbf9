"""Moving releases by hand: the pointer is the truth, and the alias in the registry follows it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recsys_pipeline.errors import ModelError, ReleaseError
from recsys_pipeline.pipeline.moving import (
    CHAMPION,
    Seen,
    follow_alias,
    known_release,
    promote,
    roll_back,
)
from recsys_pipeline.pipeline.protocols import LISTS, Manifest, Pointer
from recsys_pipeline.storage import MemoryReleaseStore

ONE, TWO, THREE = "2024-01-07-aaaaaaaa", "2024-01-14-bbbbbbbb", "2024-01-14-bccccccc"
IDS = (ONE, TWO, THREE)


class Registry:
    """A tracker of which nothing but the alias is asked."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.down = False

    def alias(self, alias: str) -> int | None:
        assert alias == CHAMPION
        return self.version

    def set_alias(self, alias: str, version: int) -> None:
        assert alias == CHAMPION
        if self.down:
            raise ModelError("The registry does not answer.")
        self.version = version


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def store(tmp_path: Path) -> MemoryReleaseStore:
    """Three releases of model versions 1, 2 and 3 and recipes of their own; none in service."""
    made = MemoryReleaseStore(tmp_path / "scratch")
    plain = Manifest(ONE, "", "s", "d", "e", "ease", 2, {}, {}, "yes", {})
    for version, release in enumerate(IDS, start=1):
        manifest = replace(
            plain,
            release=release,
            as_of=f"{release[:10]}T00:00:00+00:00",
            model_version=version,
            recipe_fingerprint=f"recipe {version}",
        )
        made.publish(manifest, {LISTS: release.encode()})
    return made


def test_promote_moves_pointer_and_alias(store, registry) -> None:
    first = promote(store, registry, ONE)
    assert (first.before, first.after.release, first.alias_follows) == (None, ONE, True)
    second = promote(store, registry, TWO)
    assert (second.before.release, second.after.release) == (ONE, TWO)
    assert store.pointer() == Pointer(TWO, before=(ONE,))
    assert registry.version == 2


@pytest.mark.parametrize(
    ("typed", "release"), [("2024-01-07", ONE), ("2024-01-14-bb", TWO), (f" {THREE} ", THREE)]
)
def test_a_beginning_that_one_release_has_is_enough(store, registry, typed, release) -> None:
    assert promote(store, registry, typed).after.release == release


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("2024-01-14", "Several releases begin with '2024-01-14'", f"{TWO}, {THREE}"),
        ("2024-01-14-b", "Several releases begin", f"{TWO}, {THREE}"),
        ("2025", "No whole release begins with '2025'", "recsys releases list"),
    ],
)
@pytest.mark.parametrize("move", [promote, roll_back])
def test_what_is_not_clear_moves_nothing(store, registry, typed, message, hint, move) -> None:
    promote(store, registry, ONE)
    promote(store, registry, TWO)
    with pytest.raises(ReleaseError, match=message) as refused:
        move(store, registry, typed)
    assert hint in refused.value.hint
    assert store.current().release == TWO
    assert registry.version == 2


def test_an_id_that_begins_another_one_is_that_release(store) -> None:
    longer = replace(
        known_release(store, ONE), release=f"{ONE}-sample", as_of="2023-12-31T00:00:00+00:00"
    )
    store.publish(longer, {LISTS: b"sample"})
    assert known_release(store, ONE).release == ONE
    assert known_release(store, f"{ONE}-").release == longer.release


def test_only_the_chosen_release_is_read(store, registry, monkeypatch) -> None:
    read: list[str] = []
    digest = store._shelf.digest
    monkeypatch.setattr(
        store._shelf, "digest", lambda release, name: read.append(release) or digest(release, name)
    )
    promote(store, registry, TWO)
    promote(store, registry, "2024-01-14-bc")
    roll_back(store, registry, TWO)
    assert read == [TWO, THREE, TWO]


@pytest.mark.parametrize("typed", [TWO, "2024-01-14-bb"])
def test_a_release_that_is_not_whole_moves_nothing(store, registry, typed) -> None:
    promote(store, registry, ONE)
    store._shelf._files[TWO][LISTS] = b"damaged"
    with pytest.raises(ReleaseError, match="is not whole"):
        promote(store, registry, typed)
    with pytest.raises(ReleaseError, match="No whole release begins with"):
        known_release(store, typed)
    assert store.current().release == ONE


def test_a_rollback_goes_to_the_one_before_and_holds_the_recipe(store, registry) -> None:
    for release in IDS:
        promote(store, registry, release)
    moved = roll_back(store, registry)
    assert (moved.before.release, moved.after.release) == (THREE, TWO)
    assert store.pointer() == Pointer(TWO, before=(ONE,), held=("recipe 3",))
    assert registry.version == 2


def test_a_rollback_to_an_earlier_one(store, registry) -> None:
    for release in IDS:
        promote(store, registry, release)
    assert roll_back(store, registry, "2024-01-07").after.release == ONE
    assert store.pointer() == Pointer(ONE, before=(), held=("recipe 3",))


@pytest.mark.parametrize("promoted", [(), (ONE,)])
def test_with_nothing_before_there_is_no_way_back(store, registry, promoted) -> None:
    for release in promoted:
        promote(store, registry, release)
    with pytest.raises(ReleaseError, match="No release was in service before"):
        roll_back(store, registry)


def test_back_to_what_never_served_is_refused(store, registry) -> None:
    promote(store, registry, ONE)
    promote(store, registry, TWO)
    with pytest.raises(ReleaseError, match=f"{THREE} was not in service before"):
        roll_back(store, registry, THREE)
    assert store.current().release == TWO


def test_a_held_recipe_is_free_once_a_person_promotes_it(store, registry) -> None:
    promote(store, registry, ONE)
    promote(store, registry, TWO)
    roll_back(store, registry)
    assert store.pointer().held == ("recipe 2",)
    promote(store, registry, TWO)
    assert store.pointer().held == ()


def test_a_registry_that_does_not_answer_stops_no_move(store, registry) -> None:
    registry.down = True
    moved = promote(store, registry, ONE)
    assert store.current().release == ONE
    assert not moved.alias_follows


def test_without_a_version_the_alias_cannot_follow(store, registry) -> None:
    unregistered = replace(known_release(store, ONE), release="2024-02-04-d", model_version=None)
    store.publish(unregistered, {LISTS: b"x"})
    assert not promote(store, registry, "2024-02").alias_follows
    assert registry.version is None


def test_a_pointer_that_cannot_be_read_stops_no_promotion(store, registry) -> None:
    store._shelf.point(b"\x00")
    moved = promote(store, registry, ONE)
    assert (moved.before, store.current().release) == (None, ONE)


Look = Callable[[], str]


@pytest.fixture
def look(store, registry) -> Look:
    """Looks again each time that it is called; what was put in service, or nothing."""
    seen: list[Seen | None] = [None]

    def once() -> str:
        found = follow_alias(store, registry, seen[0])
        assert found.text
        seen[0] = found.seen
        return found.moved

    return once


def test_with_nothing_in_service_there_is_nothing_to_follow(look, registry) -> None:
    registry.version = 2
    assert look() == ""
    assert registry.version == 2


def test_the_first_look_only_takes_note(store, registry, look) -> None:
    promote(store, registry, ONE)
    registry.version = 2
    assert look() == ""
    assert store.current().release == ONE
    assert registry.version == 1


def test_a_moved_alias_moves_the_pointer(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    registry.version = 2
    assert look() == TWO
    assert store.pointer() == Pointer(TWO, before=(ONE,))
    assert look() == ""
    assert registry.version == 2


def test_an_alias_moved_back_is_a_rollback(store, registry, look) -> None:
    promote(store, registry, ONE)
    promote(store, registry, TWO)
    look()
    registry.version = 1
    assert look() == ONE
    assert store.pointer() == Pointer(ONE, before=(), held=("recipe 2",))


def test_a_moved_pointer_sets_the_alias_right(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    store.promote(TWO)
    assert look() == ""
    assert store.current().release == TWO
    assert registry.version == 2


def test_where_both_moved_the_pointer_wins(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    store.promote(TWO)
    registry.version = 3
    assert look() == ""
    assert (store.current().release, registry.version) == (TWO, 2)


def test_a_version_of_no_release_moves_nothing(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    registry.version = 9
    assert (look(), registry.version) == ("", 9)
    assert (look(), registry.version) == ("", 1)
    assert store.current().release == ONE


def test_an_alias_that_was_removed_is_no_choice(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    registry.version = None
    assert look() == ""
    assert store.current().release == ONE


def test_a_registry_that_was_down_is_set_right_later(store, registry, look) -> None:
    promote(store, registry, ONE)
    look()
    registry.down = True
    promote(store, registry, TWO)
    assert look() == ""
    registry.down = False
    assert look() == ""
    assert (store.current().release, registry.version) == (TWO, 2)
