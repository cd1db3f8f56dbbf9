"""What may be said of an experiment by now, from what each user did week by week.

Users are the units, in the arm of their first answer, from that week on (see `participants`).
Every arm is compared with the control by `comparing.compare`, at alpha shared out equally among
the arms; intervals hold at all looks together, so the analysis may be read every week and the
experiment stopped on it. The mixture behind them is narrowest for the least effect that is worth
finding, which is fixed before the start.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import DataError
from recsys_pipeline.experiments.always_valid import spread_for
from recsys_pipeline.experiments.comparing import Comparison, Moments, compare, moments_of
from recsys_pipeline.experiments.config import (
    HOLDOUT,
    METRICS,
    ExperimentConfig,
    ExperimentsConfig,
    GuardrailConfig,
)
from recsys_pipeline.experiments.design import Design
from recsys_pipeline.experiments.participants import (
    WEEK,
    BoolArray,
    Int64Array,
    Participants,
    Rows,
    Sums,
    participants,
    rows_of,
    sums_of,
)
from recsys_pipeline.experiments.planning import outlook_of
from recsys_pipeline.experiments.results import (
    Effect,
    ExperimentResult,
    Guardrail,
    Planned,
    SegmentEffect,
)
from recsys_pipeline.experiments.sample_ratio import sample_ratio
from recsys_pipeline.experiments.wording import guardrail_text, harm_text, sentence
from recsys_pipeline.experiments.wording import verdict as verdict_of

NO_SEGMENT: Final = ""
"""Users without a segment count in the whole and in no segment."""
LEAST_SHOWN: Final = 20
"""Users in each of two groups from which on their figures are told: fewer would tell of people."""


def analyse(
    user_weeks: pd.DataFrame,
    experiment: ExperimentConfig,
    *,
    until: pd.Timestamp | None = None,
    holdout: float = 0.0,
    robots: Collection[object] = (),
    stopped: Collection[str] = (),
    planned: Planned | None = None,
    over_since: date | None = None,
) -> ExperimentResult:
    """What may be said of an experiment by now.

    Of weeks that end after it was over nothing counts: whatever a user got by then is no arm's, so
    that what was found stays as it is.

    Args:
        user_weeks: rows of the USER_WEEKS contract, from well before the start on: the weeks before
            take noise away and tell what could be found.
        experiment: as declared.
        until: end of the last week that counts; None for the last week there is.
        holdout: share of all users who are kept out of it (0 to 1); for the plan only.
        robots: ids of users left out.
        stopped: arms that were stopped.
        planned: what was planned before; None to plan from the weeks before the start, or where
            there are none from those since.
        over_since: day on which it was stopped as a whole, or None.

    Raises:
        DataError: a column is missing, or there is no row at all.
    """
    rows, over = _rows(user_weeks, until, robots), ""
    end = over_from(experiment, over_since)
    if end is not None and end <= rows.first + (rows.last + 1) * WEEK:
        rows, over = _rows(user_weeks, end, robots), str(end.date())
    design = Design.of(experiment, holdout=holdout)
    labels = np.where(rows.texts(n.EXPERIMENT) == design.name, _arms(rows, design.arms), -1)
    since = 0
    if design.starts is not None:
        since = max(0, int((design.starts - rows.first) // WEEK))
    return _analyse(rows, design, labels, since, tuple(stopped), planned, over)


def over_from(experiment: ExperimentConfig, over_since: date | None) -> pd.Timestamp | None:
    """The moment from which on an experiment does not run; None where none is set.

    Args:
        experiment: as declared; it runs through the day on which it ends.
        over_since: day on which it was stopped as a whole, or None.
    """
    days = [] if over_since is None else [over_since]
    if experiment.ends is not None:
        days.append(experiment.ends + timedelta(days=1))
    return pd.Timestamp(min(days), tz="UTC") if days else None


def analyse_holdout(
    user_weeks: pd.DataFrame,
    config: ExperimentsConfig,
    *,
    until: pd.Timestamp | None = None,
    robots: Collection[object] = (),
) -> ExperimentResult:
    """The permanent holdout, as the control, against everybody else.

    Whoever was answered as part of the holdout once belongs to it in all weeks, those before it
    began too. It is counted from the first week in which every answer tells the arm: the one after
    the first with such an answer, as the holdout may have begun within that, and that one itself
    where nobody of it was answered without the holdout's lists.

    Args:
        user_weeks, until, robots: as of `analyse`.
        config: whose holdout is above 0.

    Raises:
        DataError: as of `analyse`; or there is no holdout.
    """
    if not config.holdout:
        raise DataError(
            "there is no permanent holdout to compare with", "Set experiments.holdout above 0."
        )
    rows = _rows(user_weeks, until, robots)
    told = rows.texts(n.EXPERIMENT) == HOLDOUT
    held = np.isin(rows.user, rows.user[told])
    since = rows.last + 1
    if told.any():
        since = int(rows.week[told].min())
        answered = rows.column(n.ANSWERS) > 0 if n.ANSWERS in rows.frame else held
        since += bool((held & ~told & answered & (rows.week == since)).any())
    labels = np.where(held, 0, 1)
    return _analyse(rows, Design.of_holdout(config), labels, since, (), None, "")


def _rows(user_weeks: pd.DataFrame, until: pd.Timestamp | None, robots: Collection[object]) -> Rows:
    for name in (n.EXPERIMENT, n.ARM):
        if name not in user_weeks:
            raise DataError(
                f"user_weeks has no column {name}",
                "Experiments need answers that tell the arm which they were made by.",
            )
    return rows_of(user_weeks, until=until, robots=robots)


def _arms(rows: Rows, arms: Sequence[str]) -> Int64Array:
    """Place of the arm that each row names, -1 for none of them."""
    return np.asarray(pd.Index(arms, dtype=object).get_indexer(rows.texts(n.ARM)), dtype=np.int64)


def _analyse(
    rows: Rows,
    design: Design,
    labels: Int64Array,
    since: int,
    stopped: tuple[str, ...],
    planned: Planned | None,
    over: str,
) -> ExperimentResult:
    of = participants(rows, labels, since=since)
    weeks = rows.last - of.start + 1
    sums = {metric: sums_of(metric, of) for metric in METRICS if rows.has(metric)}
    effects = tuple(
        each
        for metric, own in sums.items()
        for each in _effects(metric, own, of.arm, design, len(design.arms) - 1)
    )
    counts = np.bincount(of.arm[of.arm >= 0], minlength=len(design.arms))
    ratio = sample_ratio(dict(zip(design.arms, counts.tolist(), strict=True)), design.weights)
    deciding = sums.get(design.metric)
    by_segment = () if deciding is None else _by_segment(deciding, of, design)
    guardrails = _guardrails(effects, design)
    plan = planned or _planned(rows, of, design, weeks)
    verdict, winner = verdict_of(design, effects, guardrails, ratio, stopped)
    return ExperimentResult(
        name=design.name,
        metric=design.metric,
        started=rows.day(of.start) if weeks else "",
        looked_at=rows.day(rows.last + 1),
        weeks=weeks,
        alpha=design.alpha,
        arms=design.arms,
        stopped=tuple(arm for arm in design.arms if arm in stopped),
        effects=effects,
        by_segment=by_segment,
        sample_ratio=ratio,
        guardrails=guardrails,
        verdict=verdict,
        winner=winner,
        sentence=sentence(
            design, verdict, winner, effects, guardrails, ratio, plan, weeks, stopped, over
        ),
        planned=plan,
        over=over,
    )


def _planned(rows: Rows, of: Participants, design: Design, weeks: int) -> Planned:
    found = None
    if rows.has(design.metric):
        found = outlook_of(rows, design, of.start - 1)
        if found is None and weeks:
            found = outlook_of(rows, design, rows.last, of.start)
    if found is not None:
        return found.planned(weeks)
    nan = float("nan")
    return Planned(design.least_effect, nan, nan, nan, weeks, design.power)


def _effects(
    metric: str, sums: Sums, arm_of_user: Int64Array, design: Design, tests: int
) -> list[Effect]:
    """Each arm against the control, by one metric; alpha and p corrected for `tests` tests.

    An arm is left out where it, or the control, has fewer than `LEAST_SHOWN` users.
    """
    arms = arm_of_user[sums.user]
    alpha = design.alpha / tests
    spread = spread_for(design.least_effect, alpha, design.power)
    control, *others = (_moments(sums, arms == place) for place in range(len(design.arms)))
    return [
        _effect(metric, arm, compare(control, other, spread, alpha), control, other, tests)
        for arm, other in zip(design.arms[1:], others, strict=True)
        if min(control.n, other.n) >= LEAST_SHOWN
    ]


def _moments(sums: Sums, chosen: BoolArray) -> Moments:
    return moments_of(sums.y[chosen], sums.m[chosen], sums.x[chosen])


def _effect(
    metric: str, arm: str, found: Comparison, control: Moments, other: Moments, tests: int
) -> Effect:
    return Effect(
        metric=metric,
        arm=arm,
        control_mean=float(found.control_mean),
        arm_mean=float(found.arm_mean),
        difference=float(found.difference),
        low=float(found.low),
        high=float(found.high),
        relative=float(found.relative),
        relative_low=float(found.relative_low),
        relative_high=float(found.relative_high),
        p=min(1.0, float(found.p) * tests),
        n_control=int(control.n),
        n_arm=int(other.n),
        cuped_correlation=float(found.correlation),
    )


def _by_segment(sums: Sums, of: Participants, design: Design) -> tuple[SegmentEffect, ...]:
    """The deciding metric by segment; p corrected by Holm over segments and arms."""
    segment = of.segment[sums.user]
    found: list[tuple[str, Effect]] = []
    for name in sorted({str(each) for each in segment} - {NO_SEGMENT}):
        inside = segment == name
        part = Sums(sums.user[inside], sums.y[inside], sums.m[inside], sums.x[inside])
        found += [(name, each) for each in _effects(design.metric, part, of.arm, design, 1)]
    corrected = _holm([each.p for _, each in found])
    return tuple(
        SegmentEffect(name, effect, p, p <= design.alpha)
        for (name, effect), p in zip(found, corrected, strict=True)
    )


def _holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm, A simple sequentially rejective test, 1979).

    >>> _holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    out = [0.0] * len(p_values)
    most = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        most = max(most, min(1.0, p_values[place] * (len(p_values) - rank)))
        out[place] = most
    return out


def _guardrails(effects: Sequence[Effect], design: Design) -> tuple[Guardrail, ...]:
    """Each guardrail by arm, and that the deciding metric is not surely worse."""
    watched = [*design.guardrails]
    if design.metric not in {rail.metric for rail in watched}:
        watched.append(GuardrailConfig(metric=design.metric, most_loss=0.0))
    out = []
    for rail in watched:
        limit = 0.0 if rail.metric == design.metric else rail.most_loss
        for effect in effects:
            if effect.metric == rail.metric:
                broken = effect.relative_high < -limit
                words = guardrail_text if limit else harm_text
                out.append(
                    Guardrail(
                        metric=rail.metric,
                        arm=effect.arm,
                        loss=-effect.relative,
                        limit=limit,
                        broken=broken,
                        text=words(effect, limit, broken),
                    )
                )
    return tuple(out)
