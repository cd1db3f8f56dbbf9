"""One suite for every store: what the pointer remembers when releases come and go."""

import json
from dataclasses import replace

import pytest

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import LISTS, Manifest, Pointer


def test_nothing_is_in_service_at_first(filled):
    assert filled.store.pointer() is None


def test_promoting_remembers_what_was_before(filled):
    one, two, three, _ = filled.ids
    for release in (one, two, three):
        filled.store.promote(release)

    assert filled.store.pointer() == Pointer(three, before=(two, one))


def test_promoting_what_serves_already_changes_nothing(filled):
    one, two, *_ = filled.ids
    for release in (one, two, two):
        filled.store.promote(release)

    assert filled.store.pointer() == Pointer(two, before=(one,))


def test_an_earlier_one_promoted_again_is_before_no_longer(filled):
    one, two, *_ = filled.ids
    for release in (one, two, one):
        filled.store.promote(release)

    assert filled.store.pointer() == Pointer(one, before=(two,))


def test_rolling_back_holds_the_recipe(filled):
    one, two, *_ = filled.ids
    for release in (one, two):
        filled.store.promote(release)
    filled.store.roll_back(one)

    assert filled.store.pointer() == Pointer(one, before=(), held=("two",))
    assert filled.store.current().release == one


def test_rolling_back_over_several(filled):
    one, two, three, _ = filled.ids
    for release in (one, two, three):
        filled.store.promote(release)
    filled.store.roll_back(one)

    assert filled.store.pointer() == Pointer(one, before=(), held=("three",))


def test_a_second_rollback_holds_both_recipes(filled):
    one, two, three, _ = filled.ids
    for release in (one, two, three):
        filled.store.promote(release)
    filled.store.roll_back(two)
    filled.store.roll_back(one)

    assert filled.store.pointer() == Pointer(one, before=(), held=("three", "two"))


def test_the_same_recipe_is_not_held(filled):
    *_, three, four = filled.ids
    for release in (three, four):
        filled.store.promote(release)
    filled.store.roll_back(three)

    assert filled.store.pointer() == Pointer(three, before=(), held=())


def test_promoting_a_held_recipe_frees_it(filled):
    one, two, *_ = filled.ids
    for release in (one, two):
        filled.store.promote(release)
    filled.store.roll_back(one)
    filled.store.promote(two)

    assert filled.store.pointer() == Pointer(two, before=(one,), held=())


def test_other_recipes_stay_held(filled):
    one, two, three, _ = filled.ids
    for release in (one, two):
        filled.store.promote(release)
    filled.store.roll_back(one)
    filled.store.promote(three)

    assert filled.store.pointer() == Pointer(three, before=(one,), held=("two",))


@pytest.mark.parametrize("promoted", [0, 1, 2])
def test_what_never_served_is_no_way_back(filled, promoted):
    for release in filled.ids[:promoted]:
        filled.store.promote(release)
    before = filled.store.pointer()

    with pytest.raises(ReleaseError, match="was not in service before") as refused:
        filled.store.roll_back(filled.ids[2])

    assert "recsys releases promote" in refused.value.hint
    assert filled.store.pointer() == before


def test_what_serves_is_no_way_back(filled):
    filled.store.promote(filled.ids[0])
    with pytest.raises(ReleaseError, match="was not in service before"):
        filled.store.roll_back(filled.ids[0])


def test_a_release_that_is_not_there_is_no_way_back(filled):
    filled.store.promote(filled.ids[0])
    with pytest.raises(ReleaseError, match="2023-01-01-cccccccc"):
        filled.store.roll_back("2023-01-01-cccccccc")


def test_a_release_that_was_lost_can_be_rolled_back(filled):
    """That is when a way back is wanted most."""
    one = filled.ids[0]
    filled.write_pointer({"release": "2024-02-04-cccccccc", "before": [one]})

    filled.store.roll_back(one)

    assert filled.store.pointer() == Pointer(one, before=(), held=())


def test_a_pointer_that_names_a_release_alone_is_read(filled):
    one, two, *_ = filled.ids
    filled.write_pointer({"release": one})

    assert filled.store.pointer() == Pointer(one)
    filled.store.promote(two)
    assert filled.store.pointer() == Pointer(two, before=(one,))


def test_it_is_stored_as_json_in_one_object(filled):
    one, two, *_ = filled.ids
    for release in (one, two):
        filled.store.promote(release)

    stored = json.loads(filled.store._shelf.pointer())
    assert stored == {"release": two, "before": [one], "held": [], "arms": {}}


def test_it_forgets_what_is_long_ago(filled):
    one, two, *_ = filled.ids
    long_ago = [f"2023-01-01-{number:08x}" for number in range(150)]
    filled.write_pointer({"release": one, "before": long_ago})
    filled.store.promote(two)

    found = filled.store.pointer()
    assert found.before[:2] == (one, long_ago[0])
    assert len(found.before) == 100


def test_a_run_puts_its_release_in_service_over_its_opponent(filled):
    one, two, *_ = filled.ids
    assert filled.store.advance(one, "")
    assert filled.store.advance(two, one)

    assert filled.store.pointer() == Pointer(two, before=(one,))


def test_a_run_does_not_undo_what_a_person_did_meanwhile(filled):
    one, two, three, _ = filled.ids
    for release in (one, two):
        filled.store.promote(release)
    filled.store.roll_back(one)

    assert not filled.store.advance(three, two)
    assert not filled.store.advance(two, one)
    assert filled.store.pointer() == Pointer(one, before=(), held=("two",))
    assert filled.store.advance(three, one)
    assert filled.store.pointer() == Pointer(three, before=(one,), held=("two",))


EASE, ALS = '{"primary":"ease"}', '{"primary":"als"}'


def test_arms_stay_whatever_happens_to_what_is_in_service(filled):
    one, two, three, four = filled.ids
    filled.store.promote(one)
    filled.store.arm(EASE, two)
    filled.store.arm(ALS, three)
    arms = {ALS: three, EASE: two}

    filled.store.promote(four)
    assert filled.store.pointer() == Pointer(four, before=(one,), arms=arms)
    filled.store.roll_back(one)
    assert filled.store.pointer() == Pointer(one, held=("three",), arms=arms)
    assert filled.store.advance(two, one)
    assert filled.store.pointer().arms == arms
    assert filled.store.current().release == two


def test_an_arm_moves_on_to_its_next_release_and_off_again(filled):
    one, two, three, _ = filled.ids
    filled.store.promote(one)
    filled.store.arm(EASE, two)
    filled.store.arm(EASE, three)
    assert filled.store.pointer() == Pointer(one, arms={EASE: three})

    filled.store.disarm(ALS)
    assert filled.store.pointer() == Pointer(one, arms={EASE: three})
    filled.store.disarm(EASE)
    assert filled.store.pointer() == Pointer(one)


def test_an_arm_needs_a_whole_release_and_one_in_service(filled):
    one, two, *_ = filled.ids
    with pytest.raises(ReleaseError, match="Nothing is in service yet"):
        filled.store.arm(EASE, two)
    filled.store.disarm(EASE)
    filled.store.promote(one)
    with pytest.raises(ReleaseError, match="2023-01-01-cccccccc"):
        filled.store.arm(EASE, "2023-01-01-cccccccc")
    assert filled.store.pointer() == Pointer(one)


def test_releases_of_arms_are_never_old(filled):
    one, two, three, four = filled.ids
    filled.store.promote(four)
    filled.store.arm(EASE, two)

    assert filled.store.prune(1) == [three, one]
    assert filled.store.releases() == [two, four]


def test_releases_of_arms_take_no_place_and_go_with_their_week(filled):
    one, two, three, four = filled.ids
    filled.store.promote(four)
    arms = [f"{each[:10]}-eeeeeeee" for each in (one, three, four)]
    for release in arms:
        moment = f"{release[:10]}T00:00:00+00:00"
        given = Manifest(release, moment, "files", "d", "s", "ease", 2, {}, {}, "yes", {})
        given = replace(given, arm_of=EASE)
        filled.store.publish(given, {LISTS: b"lists"})

    assert filled.store.prune(2) == [two, arms[0], one]
    assert filled.store.releases() == sorted([three, four, *arms[1:]])
