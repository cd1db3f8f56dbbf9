"""What a week says about the business: goals, what the recommender is worth, offline and online."""

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
from recsys_pipeline.monitoring.costs import WEEKS_PER_MONTH, MonthlyCost
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.reports import GOALS, IMPACT

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
) -> Worth:
    """The business figures.

    Args:
        figures: of the week, tidy.
        history: the same of all weeks, with a column ``week``.
        results: of the experiments.
        user_weeks: of the week.
        manifests: of all releases.
        users: users who get lists.
        cost: of computing, None where it was not measured.
        experiments: of the settings.
        declared: every experiment, those started by hand too.
        targets: the goals.
        business: prices and assumptions.
        rng: draws.
    """
    held = compared(results, experiments, declared)
    currency = business.prices.currency
    return Worth(
        goals(targets, _goal_figures(figures, held, cost), currency=currency),
        impact(
            inputs_of(
                _today(figures, held, user_weeks, users, cost),
                _measured(figures, held),
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
    """The comparison with what was there without the recommender that says most.

    That is the permanent holdout against everybody else, and every experiment whose control gets
    the holdout's recipe: of those the one with the narrowest interval. None without any.
    """
    without = {
        each.name for each in declared if each.arms[0].learning == experiments.holdout_learning
    }
    found = [
        Compared(result, result.arms[0], arm)
        for result in results
        if result.name == HOLDOUT or result.name in without
        for arm in result.arms[1:]
    ]
    known = [(each.effect(result_metric(each)), each) for each in found]
    widths = [
        (effect.relative_high - effect.relative_low, number)
        for number, (effect, _) in enumerate(known)
        if effect is not None
    ]
    return known[min(widths)[1]][1] if widths else None


def result_metric(found: Compared) -> str:
    """What decides in its experiment."""
    return found.result.metric


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


def _goal_figures(
    figures: pd.DataFrame, held: Compared | None, cost: MonthlyCost | None
) -> Mapping[str, Figure | None]:
    watched = held.effect(names.WATCH_MINUTES) if held else None
    response = _row(figures, names.LATENCY_P99)
    return {
        goal.CLICK_THROUGH: _row(figures, names.CLICK_THROUGH),
        goal.WATCH_TIME: None
        if watched is None
        else Figure(watched.relative, watched.relative_low, watched.relative_high),
        goal.SATISFACTION: _row(figures, names.SATISFACTION),
        goal.CHURN: _row(figures, names.CHURN_RATE),
        goal.RESPONSE: None if response is None else Figure(response.value * _MILLISECONDS),
        goal.AVAILABILITY: _row(figures, names.AVAILABILITY),
        goal.INFRASTRUCTURE: None if cost is None else Figure(cost.computing),
    }


def _today(
    figures: pd.DataFrame,
    held: Compared | None,
    user_weeks: pd.DataFrame,
    users: int,
    cost: MonthlyCost | None,
) -> Today:
    """How things are without the recommender: of the control arm."""
    compute = None if cost is None else cost.computing
    if held is None:
        return Today(users, compute=compute)
    group = held.group(held.control)

    def monthly(metric: str, scale: float) -> Figure | None:
        found = _row(figures, metric, names.ARM, group)
        if found is None or found.low is None or found.high is None:
            return None
        return Figure(found.value * scale, found.low * scale, found.high * scale)

    own = (user_weeks[n.EXPERIMENT] == held.result.name) & (user_weeks[n.ARM] == held.control)
    clicks = user_weeks.loc[own, n.CLICKS].to_numpy(dtype=np.float64)
    return Today(
        users,
        clicks=monthly(names.CLICKS, WEEKS_PER_MONTH),
        watch_hours=monthly(names.WATCH_MINUTES, WEEKS_PER_MONTH / _MINUTES_PER_HOUR),
        churn=_row(figures, names.CHURN_RATE, names.ARM, group),
        evenness=evenness_of(clicks) if clicks.any() else None,
        source=f"counted in arm {held.control} of {held.result.name}",
        compute=compute,
    )


def _measured(figures: pd.DataFrame, held: Compared | None) -> list[Lift]:
    if held is None:
        return []
    source = f"experiment {held.result.name}: {held.arm} against {held.control}"
    found = []
    for metric, name in ((names.CLICKS, lifts.CLICKS), (names.WATCH_MINUTES, lifts.WATCH_TIME)):
        effect = held.effect(metric)
        if effect is not None:
            bounds = (effect.relative, effect.relative_low, effect.relative_high)
            found.append(measured_lift(name, *bounds, source))
    rates = [
        _row(figures, names.CHURN_RATE, names.ARM, held.group(arm))
        for arm in (held.control, held.arm)
    ]
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
    """Every release that was judged offline, with its click-through against the control's week."""
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
        released = [each for each in shown[names.GROUP] if each in offline]
        if control is None or arm is None or not released or control[0] <= 0 or arm[0] <= 0:
            continue
        found = lift_of_rates(lifts.CLICKS, control, arm, week)
        points.append(Past(released[0], offline[released[0]], found.value, found.low, found.high))
    return metric, points
