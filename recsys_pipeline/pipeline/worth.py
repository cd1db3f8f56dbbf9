"""What a week says about the business: goals, what the recommender is worth, offline and online."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recsys_pipeline.business import goals as goal
from recsys_pipeline.business import lift as lifts
from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.business.goals import Figure, Goal, goals
from recsys_pipeline.business.goals import to_json as goals_to_json
from recsys_pipeline.business.impact import Impact, impact
from recsys_pipeline.business.inputs import Today, evenness_of, inputs_of
from recsys_pipeline.business.lift import Lift, lift_of_rates, measured_lift
from recsys_pipeline.business.offline_online import Agreement, Past, agreement
from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig, ExperimentsConfig
from recsys_pipeline.experiments.results import Effect, ExperimentResult
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.availability import LATENCY_BOUNDS
from recsys_pipeline.monitoring.costs import DAYS_PER_MONTH, WEEKS_PER_MONTH, MonthlyCost
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.reports import GOALS, IMPACT

CHURN_DAYS = 28
"""What the churn of the figures is over, unless the settings say otherwise."""
_DAYS_PER_WEEK = 7
_MINUTES_PER_HOUR = 60
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Compared:
    """What the recommender is held against: an arm that gets what was there without it.

    Attributes:
        result: of the experiment.
        control, arm: names; `group` of the figures is ``experiment/arm``.
    """

    result: ExperimentResult
    control: str
    arm: str

    def group(self, arm: str) -> str:
        """How the figures call an arm."""
        return f"{self.result.name}/{arm}"

    def effect(self, metric: str) -> Effect | None:
        """By a metric; None where it cannot be told."""
        found = self.result.effect(metric, self.arm)
        known = found is not None and np.isfinite([found.relative_low, found.relative_high]).all()
        return found if known else None

    def known(self, metric: str) -> Effect | None:
        """Both levels by a metric, whether or not its effect can be told yet."""
        return self.result.effect(metric, self.arm)


@dataclass(frozen=True)
class Worth:
    """The business figures of a week.

    Attributes:
        goals: each as met, missed or cannot tell.
        impact: what the recommender is worth, estimated or measured.
        agreement: whether the offline metric predicts the lift online.
    """

    goals: tuple[Goal, ...]
    impact: Impact
    agreement: Agreement

    def files(self) -> dict[str, bytes]:
        """What is kept of it, by the names of `pipeline.reports`."""
        return {GOALS: goals_to_json(self.goals), IMPACT: self.impact.to_json()}


def worth(
    figures: pd.DataFrame,
    history: pd.DataFrame,
    results: Sequence[ExperimentResult],
    user_weeks: pd.DataFrame,
    manifests: Sequence[Manifest],
    *,
    users: int,
    cost: MonthlyCost | None,
    experiments: ExperimentsConfig,
    declared: Sequence[ExperimentConfig],
    targets: GoalsConfig,
    business: BusinessConfig,
    rng: np.random.Generator,
    churn_days: int = CHURN_DAYS,
) -> Worth:
    """The business figures.

    Args:
        figures: of the week, tidy.
        history: the same of all weeks, with a column ``week``.
        results: of the experiments.
        user_weeks: of the week.
        manifests: of all releases.
        users: people who were active in the last `churn_days`. Levels are those of people who
            took part in a comparison, counted from their first list on, so users who have left
            long ago must not be among them.
        cost: of computing, None where it was not measured.
        experiments: of the settings.
        declared: every experiment, those started by hand too.
        targets: the goals.
        business: prices and assumptions.
        rng: draws.
        churn_days: of the settings of monitoring: what the churn in `figures` is over.
    """
    held = compared(results, experiments, declared)
    currency = business.prices.currency
    return Worth(
        goals(targets, _goal_figures(figures, held, cost, churn_days), currency=currency),
        impact(
            inputs_of(
                _today(figures, held, user_weeks, users, cost, churn_days),
                _measured(figures, held, churn_days),
                business.assumptions,
                business.prices,
                targets.monthly_churn_before,
            ),
            rng,
            users=users,
            months=business.assumptions.months,
            currency=currency,
        ),
        agreement(*_offline_online(history, held, manifests), rng),
    )


def compared(
    results: Sequence[ExperimentResult],
    experiments: ExperimentsConfig,
    declared: Sequence[ExperimentConfig],
) -> Compared | None:
    """What is in service against what was there without the recommender, by the most users in both.

    That is the permanent holdout against everybody else, or an experiment whose control gets the
    holdout's recipe and whose arm gets whatever is in service: neither a release nor a recipe of
    its own. Experiments that are broken or over, and arms that were stopped, say nothing of what
    is in service now. None without any.
    """
    served = {
        (each.name, arm.name)
        for each in declared
        if each.arms[0].learning == experiments.holdout_learning
        for arm in each.arms[1:]
        if not arm.release and not arm.learning
    }
    found = [
        (1 / (1 / effect.n_control + 1 / effect.n_arm), each)
        for result in results
        if not result.over and result.verdict not in ("broken", "stopped")
        for arm in result.arms[1:]
        if arm not in result.stopped and (result.name == HOLDOUT or (result.name, arm) in served)
        for each in [Compared(result, result.arms[0], arm)]
        if (effect := each.effect(result.metric)) is not None
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _row(figures: pd.DataFrame, metric: str, by: str = names.ALL, group: str = "") -> Figure | None:
    """One figure; None where it is missing or no number."""
    rows = figures[
        (figures[names.METRIC] == metric)
        & (figures[names.BY] == by)
        & (figures[names.GROUP] == group)
    ]
    if rows.empty or not np.isfinite(rows[names.VALUE].iloc[0]):
        return None
    value, low, high = (float(rows[key].iloc[0]) for key in (names.VALUE, names.LOW, names.HIGH))
    return Figure(value, low, high)


def _a_month(churn: Figure | None, churn_days: int) -> Figure | None:
    """The churn of `churn_days` as that of a mean month, leaving at the same rate."""
    if churn is None:
        return None
    months = DAYS_PER_MONTH / churn_days

    def of(share: float) -> float:
        return float(1.0 - (1.0 - min(max(share, 0.0), 1.0)) ** months)

    low, high = (None if each is None else of(each) for each in (churn.low, churn.high))
    return Figure(of(churn.value), low, high)


def _response(figures: pd.DataFrame) -> Figure | None:
    """Time of 99 of 100 answers in milliseconds, as far as it can be told."""
    rows = figures[(figures[names.METRIC] == names.LATENCY_P99) & (figures[names.BY] == names.ALL)]
    seconds = float(rows[names.VALUE].iloc[0]) if len(rows) else math.nan
    if math.isnan(seconds):
        return None
    if math.isinf(seconds):
        return Figure(LATENCY_BOUNDS[-1] * _MILLISECONDS, beyond=True)
    return Figure(seconds * _MILLISECONDS)


def _goal_figures(
    figures: pd.DataFrame, held: Compared | None, cost: MonthlyCost | None, churn_days: int
) -> Mapping[str, Figure | None]:
    watched = held.effect(names.WATCH_MINUTES) if held else None
    return {
        goal.CLICK_THROUGH: _row(figures, names.CLICK_THROUGH),
        goal.WATCH_TIME: None
        if watched is None
        else Figure(watched.relative, watched.relative_low, watched.relative_high),
        goal.SATISFACTION: _row(figures, names.SATISFACTION),
        goal.CHURN: _a_month(_row(figures, names.CHURN_RATE), churn_days),
        goal.RESPONSE: _response(figures),
        goal.AVAILABILITY: _row(figures, names.AVAILABILITY),
        goal.INFRASTRUCTURE: None if cost is None else Figure(cost.computing),
    }


def _today(
    figures: pd.DataFrame,
    held: Compared | None,
    user_weeks: pd.DataFrame,
    users: int,
    cost: MonthlyCost | None,
    churn_days: int,
) -> Today:
    """How things are without the recommender: of the control arm.

    Levels are per week taken part, weeks in which a user did nothing counted: figures of a week
    are of those alone who came in it. The figures only tell how sure a level is.
    """
    compute = None if cost is None else cost.weekly_run + cost.storage
    if held is None:
        return Today(users, compute=compute)
    group = held.group(held.control)

    def monthly(metric: str, scale: float) -> Figure | None:
        effect = held.known(metric)
        if effect is None or not np.isfinite(effect.control_mean):
            return None
        level = effect.control_mean * scale
        spread = _bounds(_row(figures, metric, names.ARM, group))
        if spread is None or spread[0] <= 0:
            return Figure(level)
        value, low, high = spread
        return Figure(level, level * low / value, level * high / value)

    own = (user_weeks[n.EXPERIMENT] == held.result.name) & (user_weeks[n.ARM] == held.control)
    clicks = user_weeks.loc[own, n.CLICKS].to_numpy(dtype=np.float64)
    taking = held.known(names.CLICKS)
    away = 0 if taking is None else max(0, taking.n_control - len(clicks))
    clicks = np.concatenate([clicks, np.zeros(away)])
    return Today(
        users,
        clicks=monthly(names.CLICKS, WEEKS_PER_MONTH),
        watch_hours=monthly(names.WATCH_MINUTES, WEEKS_PER_MONTH / _MINUTES_PER_HOUR),
        churn=_churn(figures, held, held.control, churn_days),
        evenness=evenness_of(clicks) if clicks.any() else None,
        source=f"counted in arm {held.control} of {held.result.name}",
        compute=compute,
    )


def _churn(figures: pd.DataFrame, held: Compared, arm: str, churn_days: int) -> Figure | None:
    """An arm's monthly churn; None until both stretches that it compares lie in the experiment."""
    if held.result.weeks * _DAYS_PER_WEEK < 2 * churn_days:
        return None
    return _a_month(_row(figures, names.CHURN_RATE, names.ARM, held.group(arm)), churn_days)


def _measured(figures: pd.DataFrame, held: Compared | None, churn_days: int) -> list[Lift]:
    if held is None:
        return []
    source = f"experiment {held.result.name}: {held.arm} against {held.control}"
    found = []
    for metric, name in ((names.CLICKS, lifts.CLICKS), (names.WATCH_MINUTES, lifts.WATCH_TIME)):
        effect = held.effect(metric)
        if effect is not None:
            bounds = (effect.relative, effect.relative_low, effect.relative_high)
            found.append(measured_lift(name, *bounds, source))
    rates = [_churn(figures, held, arm, churn_days) for arm in (held.control, held.arm)]
    control, arm = (_bounds(each) for each in rates)
    if control is not None and arm is not None and control[0] > 0 and arm[0] > 0:
        found.append(lift_of_rates(lifts.CHURN, control, arm, source))
    return found


def _bounds(figure: Figure | None) -> tuple[float, float, float] | None:
    if figure is None or figure.low is None or figure.high is None:
        return None
    known = (figure.value, figure.low, figure.high)
    return known if np.isfinite(known).all() else None


def _offline_online(
    history: pd.DataFrame, held: Compared | None, manifests: Sequence[Manifest]
) -> tuple[str, list[Past]]:
    """Each week's release in service with its click-through against that of the control.

    The release in service is the one with the most impressions among those judged offline.
    """
    ks = [each.k for each in manifests]
    metric = f"ndcg_at_{ks[-1]}" if ks else "ndcg_at_10"
    offline = {each.release: each.metrics[metric] for each in manifests if metric in each.metrics}
    points = []
    weeks = [] if held is None else sorted(history[n.WEEK].unique())
    for week in weeks:
        assert held is not None
        rows = history[history[n.WEEK] == week]
        control = _bounds(_row(rows, names.CLICK_THROUGH, names.ARM, held.group(held.control)))
        arm = _bounds(_row(rows, names.CLICK_THROUGH, names.ARM, held.group(held.arm)))
        shown = rows[(rows[names.BY] == names.RELEASE) & (rows[names.METRIC] == names.IMPRESSIONS)]
        shown = shown[shown[names.GROUP].isin(list(offline))]
        if control is None or arm is None or shown.empty or control[0] <= 0 or arm[0] <= 0:
            continue
        release = str(shown[names.GROUP].iloc[int(shown[names.VALUE].to_numpy().argmax())])
        found = lift_of_rates(lifts.CLICKS, control, arm, week)
        points.append(Past(release, offline[release], found.value, found.low, found.high))
    return metric, points
