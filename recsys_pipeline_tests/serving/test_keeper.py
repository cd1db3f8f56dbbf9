"""Which release answers: a new one takes over, a broken one is refused, a bad one goes back."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.serving_config import RampConfig
from recsys_pipeline.serving.keeper import Keeper
from recsys_pipeline.serving.ramp import KEY, Counts, Ramp
from recsys_pipeline.storage.memory import MemoryReleaseStore
from recsys_pipeline.storage.memory_state import MemoryStateStore

OLD, NEW, NEWER = "2024-01-01-aaaaaaaa", "2024-01-08-bbbbbbbb", "2024-01-15-cccccccc"
STEPS = RampConfig(percent=(5, 25, 100), step_minutes=10, least_requests=20, least_clicks=0.1)
USERS = [str(number) for number in range(2_000)]


@dataclass(frozen=True)
class Stand:
    """Stands for a loaded release."""

    manifest: Manifest

    @property
    def id(self) -> str:
        return self.manifest.release


def manifest(release: str, erased: int = 0) -> Manifest:
    return Manifest(
        release, "", "world", "d", release, "ease", 5, {}, {}, "yes", {},
        recipe_fingerprint=release, erased=erased,
    )  # fmt: skip


class Bench:
    """A store with three releases, keepers over it, and a clock."""

    def __init__(self, tmp_path) -> None:
        self.store = MemoryReleaseStore(tmp_path)
        for release in (OLD, NEW, NEWER):
            self.store.publish(manifest(release), {"top_n.parquet": release.encode()})
        self.state, self.now = MemoryStateStore(), 1_000.0
        self.broken: set[str] = set()
        self.loaded: list[str] = []
        self.told: list[str] = []

    def keeper(self, steps: RampConfig | None = None, worker: str = "one") -> Keeper:
        ramp = None if steps is None else Ramp(steps, self.state, worker)

        def load(store: Any, release: str) -> Any:
            self.loaded.append(release)
            if release in self.broken:
                raise ReleaseError(f"Release {release} is not whole.")
            return Stand(store.manifest(release))

        return Keeper(self.store, ramp, lambda: self.now, self.told.append, load)

    def taking_over(self) -> Keeper:
        """A keeper whose new release has just begun to take over from the old one."""
        keeper = self.keeper(STEPS)
        for release in (OLD, NEW):
            self.store.promote(release)
            keeper.refresh()
        return keeper


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


def share(keeper: Keeper, release: str) -> float:
    return sum(keeper.release(user).id == release for user in USERS) / len(USERS)


def test_without_a_release_nothing_answers(bench) -> None:
    keeper = bench.keeper()
    keeper.refresh()
    with pytest.raises(ReleaseError, match="no release yet"):
        keeper.release("7")


def test_the_pointer_is_followed_and_each_release_loaded_once(bench) -> None:
    keeper = bench.keeper()
    for release in (OLD, NEW, OLD):
        bench.store.promote(release)
        keeper.refresh()
        keeper.refresh()
        assert keeper.release().id == release
    assert bench.loaded == [OLD, NEW, OLD]


def test_a_broken_release_is_refused_and_tried_again_later(bench) -> None:
    keeper = bench.keeper()
    bench.store.promote(OLD)
    keeper.refresh()
    bench.broken.add(NEW)
    bench.store.promote(NEW)
    keeper.refresh()
    keeper.refresh()
    assert keeper.release().id == OLD
    assert (keeper.served.refused, bench.loaded) == (NEW, [OLD, NEW])
    assert "not whole" in keeper.served.why
    bench.broken.clear()
    bench.now += 31
    keeper.refresh()
    assert (keeper.release().id, keeper.served.refused) == (NEW, "")


def test_a_pointer_that_cannot_be_read_changes_nothing(bench, monkeypatch) -> None:
    keeper = bench.keeper()
    bench.store.promote(OLD)
    keeper.refresh()

    def fail() -> None:
        raise ReleaseError("The pointer cannot be read.")

    monkeypatch.setattr(bench.store, "pointer", fail)
    keeper.refresh()
    assert keeper.release().id == OLD
    assert "pointer" in keeper.served.why
    monkeypatch.undo()
    keeper.refresh()
    assert keeper.served.why == ""


def test_a_release_from_which_somebody_was_erased_is_read_again(bench, monkeypatch) -> None:
    keeper = bench.keeper()
    bench.store.promote(OLD)
    keeper.refresh()
    original = bench.store.manifest(OLD)
    monkeypatch.setattr(bench.store, "erased", lambda release: 1)
    monkeypatch.setattr(bench.store, "manifest", lambda release: replace(original, erased=1))
    keeper.refresh()
    keeper.refresh()
    assert bench.loaded == [OLD, OLD]
    assert keeper.release().manifest.erased == 1


def test_a_new_release_takes_over_step_by_step(bench) -> None:
    keeper = bench.keeper(STEPS)
    bench.store.promote(OLD)
    keeper.refresh()
    assert share(keeper, OLD) == 1
    bench.store.promote(NEW)
    keeper.refresh()
    first = {user for user in USERS if keeper.release(user).id == NEW}
    assert 0.03 < len(first) / len(USERS) < 0.07
    bench.now += 601
    keeper.refresh()
    second = {user for user in USERS if keeper.release(user).id == NEW}
    assert 0.22 < len(second) / len(USERS) < 0.28
    assert first < second
    bench.now += 600
    keeper.refresh()
    assert share(keeper, NEW) == 1
    assert keeper.served.before is None


def test_all_workers_give_a_user_the_same_release(bench) -> None:
    one, two = bench.keeper(STEPS, "one"), bench.keeper(STEPS, "two")
    for release in (OLD, NEW):
        bench.store.promote(release)
        one.refresh()
        bench.now += 3
        two.refresh()
    assert [one.release(user).id for user in USERS] == [two.release(user).id for user in USERS]
    assert one.served.ramp == two.served.ramp or one.served.ramp.started_at == 1_003


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"error": True}, "failed"),
        ({"seconds": 1.0}, "longer than 250 ms"),
        ({"fallback": True}, "not personal"),
        ({}, "clicks per answer"),
    ],
)
def test_a_broken_criterion_takes_the_release_back_everywhere(bench, counts, why) -> None:
    one, two = bench.keeper(STEPS, "one"), bench.keeper(STEPS, "two")
    for release in (OLD, NEW):
        bench.store.promote(release)
        one.refresh()
        two.refresh()
    # Neither has seen enough by itself.
    for keeper in (one, two):
        for _ in range(12):
            keeper.note(keeper.served.current, **counts)
            keeper.note(keeper.served.before, error=True)
    one.refresh()
    assert one.served.current.id == NEW
    two.refresh()
    one.refresh()
    for keeper in (one, two):
        keeper.refresh()
        assert share(keeper, OLD) == 1
    pointer = bench.store.pointer()
    assert (pointer.release, pointer.held) == (OLD, (NEW,))
    assert why in one.served.ramp.stopped
    assert any("taken back" in line and why in line for line in bench.told)


def test_answers_that_keep_the_criteria_stop_nothing(bench) -> None:
    keeper = bench.taking_over()
    for number in range(100):
        keeper.note(keeper.served.current, seconds=0.001, fallback=number % 3 == 0)
        keeper.clicked(NEW if number % 5 == 0 else OLD)
    keeper.refresh()
    state = keeper.served.ramp
    assert (state.stopped, state.total) == ("", Counts(100, 0, 0, 100, 34, 20))


def test_a_person_may_promote_again_what_was_taken_back(bench) -> None:
    keeper = bench.taking_over()
    for _ in range(20):
        keeper.note(keeper.served.current, error=True)
    keeper.refresh()
    keeper.refresh()
    assert share(keeper, OLD) == 1
    bench.store.promote(NEW)
    keeper.refresh()
    assert 0 < share(keeper, NEW) < 0.1
    assert keeper.served.ramp.stopped == ""


def test_going_back_by_hand_needs_no_steps(bench) -> None:
    keeper = bench.taking_over()
    bench.store.roll_back(OLD)
    keeper.refresh()
    assert share(keeper, OLD) == 1
    assert keeper.served.before is None


def test_a_server_that_starts_anew_goes_on_with_the_steps(bench) -> None:
    bench.taking_over()
    bench.now += 601
    again = bench.keeper(STEPS)
    again.refresh()
    assert 0.22 < share(again, NEW) < 0.28
    bench.state.put(KEY, json.dumps({**json.loads(bench.state.get(KEY)), "stopped": "by test"}))
    late = bench.keeper(STEPS, "late")
    late.refresh()
    late.refresh()
    assert share(late, OLD) == 1
    assert bench.store.pointer().release == OLD


def test_the_criteria_are_written_down_before_the_start(bench) -> None:
    keeper = bench.taking_over()
    assert keeper.served.ramp.criteria == (
        "more than 1.0% of its answers fail",
        "more than 1 % of its answers take longer than 250 ms",
        "more than 50% of its answers for users are not personal",
        "fewer than 0.1 clicks per answer",
    )


@pytest.mark.parametrize("percent", [(25, 5, 100), (5, 25), (0, 100), (5, 5, 100)])
def test_steps_ascend_to_all(percent) -> None:
    with pytest.raises(ValueError, match="ascends"):
        RampConfig(percent=percent)


def test_what_nobody_foresaw_is_refused_and_the_old_one_stays(bench, monkeypatch) -> None:
    keeper = bench.keeper()
    bench.store.promote(OLD)
    keeper.refresh()
    bench.store.promote(NEW)

    def fail(store: Any, release: str) -> Any:
        raise ValueError("a secret place")

    monkeypatch.setattr(keeper, "_load", fail)
    keeper.refresh()
    assert keeper.release().id == OLD
    assert (keeper.served.refused, keeper.served.why) == (NEW, "ValueError")
    bench.now += 5
    monkeypatch.setattr(bench.store, "pointer", lambda: 1 / 0)
    keeper.refresh()
    assert (keeper.release().id, keeper.looked_at) == (OLD, bench.now)


def test_a_pointer_that_moved_on_during_loading_is_followed(bench, monkeypatch) -> None:
    keeper = bench.keeper()
    load = keeper._load

    def slow(store: Any, release: str) -> Any:
        if release == OLD:
            bench.store.promote(NEW)
        return load(store, release)

    monkeypatch.setattr(keeper, "_load", slow)
    bench.store.promote(OLD)
    keeper.refresh()
    assert keeper.served.current is None
    keeper.refresh()
    assert keeper.release().id == NEW


def test_after_going_back_by_hand_a_promotion_begins_with_the_first_step(bench) -> None:
    keeper = bench.taking_over()
    bench.store.roll_back(OLD)
    keeper.refresh()
    bench.now += 10_000
    bench.store.promote(NEW)
    keeper.refresh()
    assert 0 < share(keeper, NEW) < 0.1


def test_answers_for_nobody_are_no_fallback(bench) -> None:
    keeper = bench.taking_over()
    for number in range(100):
        keeper.note(keeper.served.current, fallback=None if number % 4 else True)
        keeper.clicked(NEW)
    keeper.refresh()
    assert "25 answers for somebody who is named" in keeper.served.ramp.stopped
