"""Tuning keeps what is better beyond chance, never looks at the test, and can be stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.cleaning import CleanTables
from recsys_pipeline.errors import ModelError
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.fitting import fit_generators
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.search_space import changed, knobs_of
from recsys_pipeline.pipeline.studies import Asked, Budget, Tried
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.pipeline.tuning import Tuned, tune
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource

RIDGE = "recommenders.profile.ridge"
BINS = "recommenders.profile.bins"


class NoRun:
    """A tracker's run that keeps names, params and how it ended."""

    def __init__(self, name: str = "parent") -> None:
        self.name, self.run_id = name, name
        self.children: list[NoRun] = []
        self.params: dict[str, Any] = {}
        self.metrics: list[tuple[str, float, int | None]] = []
        self.tags: dict[str, str] = {}
        self.failed: bool | None = None

    def child(self, name: str, tags: Mapping[str, str] | None = None) -> "NoRun":
        self.children.append(NoRun(name))
        return self.children[-1]

    def log_params(self, params: Mapping[str, Any]) -> None:
        self.params.update(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.metrics += [(name, value, step) for name, value in metrics.items()]

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(tags)

    def finish(self, *, failed: bool = False) -> None:
        self.failed = failed


@dataclass
class Scripted:
    """Studies that propose what a test says, by generator, and then the start again."""

    script: Mapping[str, Sequence[Mapping[str, Any] | BaseException]]
    broken_off: Callable[[int, float], bool] = lambda rung, figure: False
    opened: dict[str, "ScriptedStudy"] = field(default_factory=dict)

    def open(self, name: str, knobs: Any, seed: int, *, fresh: bool = False) -> "ScriptedStudy":
        generator = name.rpartition("-")[0]
        self.opened[generator] = ScriptedStudy(
            list(self.script.get(generator, ())), knobs, self.broken_off
        )
        return self.opened[generator]

    def close(self) -> None: ...


class ScriptedStudy:
    def __init__(self, script: list[Any], knobs: Any, broken_off: Callable[..., bool]) -> None:
        self.script, self.knobs, self.broken_off = script, knobs, broken_off
        self.known: list[float] = []
        self.ended: list[Tried] = []
        self.start: Mapping[str, Any] = {}

    def tried(self) -> list[Tried]:
        return self.ended

    def know(self, values: Mapping[str, Any], figures: Sequence[float]) -> None:
        self.start, self.known = dict(values), list(figures)
        self.ended.append(Tried(0, self.start, figures[-1]))

    def ask(self) -> Asked:
        values = self.script.pop(0) if self.script else {}
        if isinstance(values, BaseException):
            raise values
        return Asked(len(self.ended), {**self.start, **values})

    def report(self, asked: Asked, rung: int, figure: float) -> bool:
        if self.broken_off(rung, figure):
            self.give_up(asked)
            return False
        return True

    def tell(self, asked: Asked, figure: float) -> None:
        self.ended.append(Tried(asked.number, asked.values, figure))

    def give_up(self, asked: Asked) -> None:
        self.ended.append(Tried(asked.number, asked.values, None))


@dataclass
class Search:
    """Calls `tune` on the tables of one run."""

    run: Any
    learning: LearningConfig
    studies: Scripted
    parent: NoRun = field(default_factory=NoRun)
    said: list[str] = field(default_factory=list)

    def __call__(self, trials: int = 2, *, cleaned=None, clock=lambda: 0.0) -> Tuned:
        tables = cleaned or self.run.cleaned
        return tune(
            tables.users,
            tables.movies,
            tables.interactions,
            self.learning,
            self.run.as_of,
            data_fingerprint="f" * 64,
            studies=self.studies,
            budget=Budget(trials, 60, clock),
            run=self.parent,
            progress=self.said.append,
        )


@pytest.fixture
def bad_start(make_learning) -> LearningConfig:
    """A profile of far too many weights for so few users; nothing else is tuned."""
    return make_learning(
        {"recommenders": {"use": ("profile",), "profile": {"ridge": 0.3, "bins": 12}}}
    )


@dataclass(frozen=True)
class Prepared:
    """Clean tables of more users than the usual run has: differences are above chance."""

    cleaned: CleanTables
    as_of: pd.Timestamp | None


@pytest.fixture(scope="module")
def wide() -> Prepared:
    source = SimulatedSource(WorldConfig(users=300, movies=40, interactions=6_000))
    as_of = source.newest_event()
    return Prepared(prepare(source.read(as_of), as_of, LearningConfig()), as_of)


def test_better_settings_are_kept_and_only_those_that_matter(wide, bad_start):
    studies = Scripted({"profile": [{RIDGE: 50.0, BINS: 12}, {RIDGE: 0.31}]})
    search = Search(wide, bad_start, studies)

    found = search()

    (finding,) = found.findings
    assert finding.generator == "profile"
    assert finding.metric == "auc"
    assert finding.difference.low > 0
    assert finding.after - finding.before == pytest.approx(finding.difference.mean)
    assert found.changes == {RIDGE: (0.3, 50.0)}
    assert found.learning == changed(bad_start, {RIDGE: 50.0})
    assert (finding.trials, finding.broken_off, found.trials) == (3, 0, 2)
    assert "changed" in finding.sentence
    assert len(studies.opened["profile"].known) == 3


def test_what_is_better_by_chance_alone_is_left(wide, make_learning):
    start = make_learning({"recommenders": {"use": ("profile",), "profile": {"ridge": 5.0}}})
    script = [{RIDGE: 5.0 + step / 100} for step in (-6, -4, -2, 2, 4, 6)]
    found = Search(wide, start, Scripted({"profile": script}))(trials=6)

    (finding,) = found.findings
    assert finding.trials == 7
    assert found.changes == {}
    assert found.learning == start
    assert "left as it is" in finding.sentence or "nothing is above" in finding.sentence


def test_each_trial_is_a_nested_run(wide, bad_start):
    search = Search(wide, bad_start, Scripted({"profile": [{RIDGE: 5.0}, {BINS: 5}]}))
    search()

    first, second = search.parent.children
    assert (first.name, second.name) == ("profile 001", "profile 002")
    assert first.params[RIDGE] == 5.0
    assert second.params[BINS] == 5
    assert [step for _, _, step in first.metrics] == [0, 1, 2]
    assert (first.failed, second.failed) == (False, False)
    assert {name for name, _, _ in search.parent.metrics} >= {"profile/before", "profile/after"}


def test_a_trial_that_is_broken_off_has_no_figure(wide, bad_start):
    studies = Scripted({"profile": [{RIDGE: 5.0}]}, broken_off=lambda rung, figure: rung == 1)
    search = Search(wide, bad_start, studies)

    (finding,) = search(trials=1).findings

    assert (finding.trials, finding.broken_off) == (2, 1)
    assert [step for _, _, step in search.parent.children[0].metrics] == [0, 1]
    assert search.parent.children[0].tags == {"broken_off": "true"}
    assert search.parent.children[0].failed is False


def test_settings_that_cannot_be_fitted_are_given_up(wide, bad_start, monkeypatch):
    def picky(data, learning, progress, only):
        if learning.recommenders.profile.ridge == 5.0:
            raise ModelError("it has no inverse.")
        return fit_generators(data, learning, progress, only)

    monkeypatch.setattr("recsys_pipeline.pipeline.bench.fit_generators", picky)
    search = Search(wide, bad_start, Scripted({"profile": [{RIDGE: 5.0}]}))

    (finding,) = search(trials=1).findings

    assert (finding.trials, finding.broken_off) == (2, 1)
    assert search.parent.children[0].failed is True
    assert "profile: it has no inverse." in search.said


def test_a_recommender_that_does_not_fit_at_all_is_not_tuned(run, make_learning):
    tight = make_learning({"recommenders": {"use": ("ease",), "ease": {"memory_limit_mb": 1e-6}}})

    assert Search(run, tight, Scripted({}))(trials=1).findings == ()


@pytest.mark.parametrize("trial", [0, 1])
def test_ctrl_c_keeps_what_was_found(wide, bad_start, trial):
    script: list[Any] = [{RIDGE: 50.0}, {RIDGE: 0.31}]
    script.insert(trial, KeyboardInterrupt())
    found = Search(wide, bad_start, Scripted({"profile": script}))(trials=5)

    assert found.stopped
    assert found.trials == trial
    assert found.changes == ({} if trial == 0 else {RIDGE: (0.3, 50.0)})


def test_ctrl_c_within_a_trial_ends_it(wide, bad_start, monkeypatch):
    def interrupted(data, learning, progress, only):
        if learning.recommenders.profile.ridge == 5.0:
            raise KeyboardInterrupt
        return fit_generators(data, learning, progress, only)

    monkeypatch.setattr("recsys_pipeline.pipeline.bench.fit_generators", interrupted)
    studies = Scripted({"profile": [{RIDGE: 5.0}]})

    found = Search(wide, bad_start, studies)(trials=5)

    assert found.stopped
    assert [each.figure for each in studies.opened["profile"].ended][1:] == [None]


def test_time_is_a_budget_too(wide, bad_start):
    ticks = iter(np.arange(0, 1_000, 10.0))
    found = Search(wide, bad_start, Scripted({}))(trials=1_000, clock=lambda: next(ticks))

    assert 1 <= found.trials <= 6


def test_the_best_generator_comes_first_and_one_far_behind_is_left_alone(wide, make_learning):
    start = make_learning({"recommenders": {"use": ("content", "profile", "item_knn")}})
    search = Search(wide, start, Scripted({}))

    found = search(trials=4)

    assert found.findings[0].generator == "profile"
    assert any("content is left as it is" in line for line in search.said)
    assert "likes.weights.half_life_days" in search.studies.opened["profile"].knobs


def test_what_happens_in_the_test_changes_nothing(wide, bad_start):
    tables = wide.cleaned
    cuts = load_cuts(tables.users, tables.movies, tables.interactions, bad_start, wide.as_of)
    in_test = tables.interactions[n.TIMESTAMP] >= cuts.outer.cut
    liked = tables.interactions[n.LIKED]
    flipped = tables.interactions.assign(**{n.LIKED: liked.where(~in_test, ~liked)})
    script = {"profile": [{RIDGE: 50.0}, {BINS: 5}]}

    first = Search(wide, bad_start, Scripted(script))()
    second = Search(wide, bad_start, Scripted(script))(
        cleaned=replace(tables, interactions=flipped)
    )

    assert in_test.any()
    assert first.changes
    assert second == first


def test_settings_that_the_window_chooses_are_compared_with_its_choice(run, make_learning):
    start = make_learning({"likes": {"positive": "all"}, "recommenders": {"use": ("ease",)}})
    studies = Scripted({})

    found = Search(run, start, studies)(trials=1)

    assert start.recommenders.ease.open
    assert set(studies.opened["ease"].knobs) >= set(knobs_of("ease"))
    assert all(isinstance(studies.opened["ease"].start[key], float) for key in knobs_of("ease"))
    assert found.learning == start


def test_nothing_to_tune_is_said_by_no_finding(run, make_learning):
    found = Search(run, make_learning({"recommenders": {"use": ()}}), Scripted({}))()

    assert found == Tuned(found.learning, (), 0, 0.0, False)
    assert found.sentences == ()


def test_the_usual_budget():
    assert (TuningConfig().minutes, TuningConfig().cron) == (5.0, "0 5 1 * *")
