"""Tuning: better settings for the generators, looked for on the window and never on the test.

Each generator has a study of its own, which varies a few of its settings; the study of the best one
also varies how much a like counts, which all of them share. One half of the window's users choose
the best settings. These are kept only where they are better, beyond chance, for the other half. The
best of a hundred trials nearly always looks better to those who chose it. Whether the whole recipe
is better is not said here: that is for the promotion gate, on the test.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.evaluation.intervals import Interval, difference_of_figures
from recsys_pipeline.evaluation.names import metric_label
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.pipeline.bench import Bench
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.protocols import TrackedRun
from recsys_pipeline.pipeline.search_space import (
    SPACE,
    Knobs,
    Value,
    changed,
    knobs_of,
    knobs_of_likes,
    value_at,
)
from recsys_pipeline.pipeline.steady import SHARES
from recsys_pipeline.pipeline.studies import Budget, Studies, Study

_LEADERS_SHARE: Final = 0.4
"""Of the budget, for the best generator and the weights of likes; the others share the rest."""
_PROMISING: Final = 0.5
"""Share of the best generator's distance from chance below which one is not worth the time."""
_NOTHING: Final = PerUser(np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Finding:
    """What the study of one generator found.

    Attributes:
        generator: its name.
        metric: what it was judged by.
        before, after: the figure with the settings as they were, and with the best found.
        difference: after less before, on the same users, none of whom the settings were chosen by.
        changes: settings that were changed, by key below [learning]: the value before and after;
            empty where the difference is not above chance.
        trials: settings tried, in earlier sessions too.
        broken_off: of those, how many ended without a figure on all users.
    """

    generator: str
    metric: str
    before: float
    after: float
    difference: Interval
    changes: Mapping[str, tuple[Value, Value]]
    trials: int
    broken_off: int

    @property
    def sentence(self) -> str:
        """For people: the figures, the difference, and what was done about it."""
        trials = f"settings tried: {self.trials:,}, of them broken off early: {self.broken_off:,}"
        label = metric_label(self.metric)
        if self.difference.mean == self.difference.low == self.difference.high == 0:
            return f"{self.generator}: nothing is above {label} {self.before:.4f} ({trials})."
        found = self.difference
        return (
            f"{self.generator}: {label} {self.before:.4f} → {self.after:.4f}, difference "
            f"{found.mean:+.4f} ({100 * found.level:.0f} % interval {found.low:+.4f} to "
            f"{found.high:+.4f}), {found.n:,} users, {trials}; "
            f"{'changed' if self.changes else 'left as it is: that may be chance'}."
        )


@dataclass(frozen=True)
class Tuned:
    """What tuning found.

    Attributes:
        learning: the settings with all changes.
        findings: of each generator that was looked at, the best first.
        trials: settings tried in this session.
        seconds: that it took.
        stopped: whether somebody stopped it before its budget was spent.
    """

    learning: LearningConfig
    findings: tuple[Finding, ...]
    trials: int
    seconds: float
    stopped: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, one for each generator."""
        return tuple(each.sentence for each in self.findings)

    @property
    def changes(self) -> dict[str, tuple[Value, Value]]:
        """All changes, by key below [learning]: the value before and after."""
        return {key: pair for each in self.findings for key, pair in each.changes.items()}


def tune(
    users: pd.DataFrame,
    movies: pd.DataFrame,
    interactions: pd.DataFrame,
    learning: LearningConfig,
    as_of: pd.Timestamp | None,
    *,
    data_fingerprint: str,
    studies: Studies,
    budget: Budget,
    run: TrackedRun,
    progress: Progress,
    fresh: bool = False,
) -> Tuned:
    """Look for better settings until the budget is spent; Ctrl-C keeps what was found.

    Args:
        users, movies, interactions: the clean tables.
        learning: the settings to start from.
        as_of: the moment that is looked from.
        data_fingerprint: of the tables: other data, other studies.
        studies: where trials are kept from one session to the next.
        budget: how much may be spent.
        run: of the tracker; each trial is a nested run.
        progress: is told each step, one line.
        fresh: forget earlier sessions.
    """
    bench = Bench((users, movies, interactions), as_of, learning.seed, progress)
    tuner = _Tuner(bench, studies, budget, run, progress, fresh, f"{data_fingerprint} {as_of}")
    findings: list[Finding] = []
    try:
        names = tuner.by_figure(learning)
        for place, name in enumerate(names):
            rest = (1 - _LEADERS_SHARE) * place / max(len(names) - 1, 1)
            limit = _LEADERS_SHARE + rest if len(names) > 1 else 1.0
            likes = knobs_of_likes(bench.window(learning).cuts.everything) if place == 0 else {}
            finding = tuner.search(name, {**knobs_of(name), **likes}, learning, limit)
            findings.append(finding)
            learning = changed(learning, {key: new for key, (_, new) in finding.changes.items()})
            if tuner.stopped:
                break
    except KeyboardInterrupt:
        tuner.stopped = True
    return Tuned(learning, tuple(findings), budget.tried, budget.seconds, tuner.stopped)


@dataclass
class _Tuner:
    """Searches one generator after the other."""

    bench: Bench
    studies: Studies
    budget: Budget
    run: TrackedRun
    progress: Progress
    fresh: bool
    data: str
    stopped: bool = False

    def by_figure(self, learning: LearningConfig) -> list[str]:
        """The generators to tune, the best first; those far behind it are left as they are."""
        found: dict[str, float] = {}
        for name in learning.recommenders.use:
            if name in SPACE:
                *_, whole = (_NOTHING, *self.bench.rungs(name, learning))
                found[name] = whole.mean
        chance = self.bench.figure(learning).chance
        lift = {name: mean - chance for name, mean in found.items() if np.isfinite(mean)}
        least = _PROMISING * max(lift.values(), default=0.0)
        for left in sorted(found):
            if not lift.get(left, 0.0) >= least > 0:
                self.progress(
                    f"{left} is left as it is: it is far behind the best, or unknown here"
                )
        near = [name for name in lift if lift[name] >= least > 0]
        return sorted(near, key=lambda name: (-lift[name], name))

    def search(self, name: str, knobs: Knobs, learning: LearningConfig, limit: float) -> Finding:
        """Try settings of `name` until the share `limit` of the budget is spent."""
        settled = self.bench.settled(name, learning)
        before = list(self.bench.rungs(name, settled))
        study = self.studies.open(
            self._name_of(name, knobs, settled), knobs, learning.seed, fresh=self.fresh
        )
        start = {key: value_at(settled, key) for key in knobs}
        if not study.tried() and all(knob.holds(start[key]) for key, knob in knobs.items()):
            study.know(start, [each.mean for each in before])
        try:
            while self.budget.spent < limit:
                self._trial(name, knobs, settled, study)
                self.budget.tried += 1
        except KeyboardInterrupt:
            self.stopped = True
        values = self._best(name, knobs, settled, study, before[-1])
        first = self.bench.confirmation(name, settled)
        after = self.bench.confirmation(name, changed(settled, values))
        difference = difference_of_figures(after, first, np.random.default_rng([learning.seed, 9]))
        pairs = {key: (value_at(learning, key), new) for key, new in values.items()}
        tried = study.tried()
        finding = Finding(
            generator=name,
            metric=self.bench.figure(settled).metric,
            before=first.mean,
            after=after.mean,
            difference=difference,
            changes={key: (old, new) for key, (old, new) in pairs.items() if old != new}
            if difference.low > 0
            else {},
            trials=len(tried),
            broken_off=sum(each.figure is None for each in tried),
        )
        self._track(finding)
        return finding

    def _name_of(self, name: str, knobs: Knobs, learning: LearningConfig) -> str:
        """Stands for the data and all that a figure of this study depends on."""
        facts = {
            "data": self.data,
            "k": learning.k,
            "seed": learning.seed,
            "likes": learning.likes.model_dump(mode="json"),
            "own": learning.recommenders.configs()[name].model_dump(mode="json"),
            "evaluation": learning.evaluation.model_dump(mode="json"),
            "knobs": {key: repr(knob) for key, knob in knobs.items()},
        }
        digest = sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return f"{name}-{digest[:12]}"

    def _trial(self, name: str, knobs: Knobs, learning: LearningConfig, study: Study) -> None:
        """Try one proposal; a nested run of the tracker."""
        metric = self.bench.figure(learning).metric
        asked = study.ask()
        values = _settled(knobs, asked.values)
        ended = False
        try:
            child = self.run.child(f"{name} {asked.number:03d}", {"recommender": name})
            child.log_params({"recommender": name, **values})
            for rung, found in enumerate(self.bench.rungs(name, changed(learning, values))):
                child.log_metrics({metric: found.mean}, step=rung)
                if rung == len(SHARES) - 1:
                    study.tell(asked, found.mean)
                    ended = True
                    self.progress(f"{name} {asked.number}: {found.mean:.4f}")
                elif not study.report(asked, rung, found.mean):
                    ended = True
                    child.set_tags({"broken_off": "true"})
                    self.progress(f"{name} {asked.number}: broken off at {found.mean:.4f}")
                    break
            child.finish(failed=not ended)
        finally:
            if not ended:
                study.give_up(asked)

    def _best(
        self, name: str, knobs: Knobs, learning: LearningConfig, study: Study, before: PerUser
    ) -> dict[str, Value]:
        """The settings with the best figure, those without which it is as large left out."""
        whole = [each for each in study.tried() if each.figure is not None]
        best = max(whole, key=lambda each: (each.figure or 0.0, -each.number), default=None)
        if best is None or not (best.figure or 0.0) > before.mean:
            return {}
        values = _settled(knobs, best.values)
        reached = best.figure or 0.0
        for key in knobs:
            kept = {**values, key: value_at(learning, key)}
            if kept[key] != values[key]:
                *_, without = (before, *self.bench.rungs(name, changed(learning, kept)))
                if without.mean >= reached:
                    reached, values = without.mean, kept
        return values

    def _track(self, finding: Finding) -> None:
        self.run.log_metrics(
            {
                f"{finding.generator}/before": finding.before,
                f"{finding.generator}/after": finding.after,
                f"{finding.generator}/difference": finding.difference.mean,
                f"{finding.generator}/difference_low": finding.difference.low,
                f"{finding.generator}/difference_high": finding.difference.high,
                f"{finding.generator}/trials": float(finding.trials),
            }
        )


def _settled(knobs: Knobs, values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: knob.settled(values[key]) for key, knob in knobs.items()}
