"""The promotion gate: whether a candidate recipe takes the place of the one in service.

Both are recipes fitted on the same history and judged on the same users, so every difference is
paired. The gate asks for evidence and never for luck: a candidate that is better by chance alone is
not called better, and one that serves most users well and one segment badly is not let in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.conditions import (
    BLOCKS,
    FLOOR,
    IN_SERVICE,
    TO_IN_SERVICE,
    Condition,
    ConditionName,
    Outcome,
    checks_condition,
    coverage_condition,
    difference_condition,
    groups_condition,
    sameness_conditions,
    short_lists_condition,
)
from recsys_pipeline.evaluation.config import PromotionConfig
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.groups import (
    MOVIE_POPULARITY,
    Grouping,
    group_table,
    user_cells,
)
from recsys_pipeline.evaluation.intervals import N_RESAMPLES, Interval, difference_of_figures
from recsys_pipeline.evaluation.verdict import figures_sentence

CANDIDATE: Final = "candidate"

MOST_OF_FIGURE: Final = 0.1
"""Share of the figure in service that the margin never exceeds: a metric may be near 0."""
MOST_OF_GROUP: Final = 0.25
"""Share of a group's figure in service that the segment floor never exceeds."""


@dataclass(frozen=True)
class Decision:
    """What the gate says.

    Attributes:
        promoted: whether the candidate takes its place now.
        waits: whether it may and a person has to say so first; never with `promoted`.
        outcome: ``first`` where nothing is in service; ``better`` where the whole interval of the
            difference is above 0; ``equal`` where it is not, but not below the margin either;
            ``worse`` where all of it is below 0 and it reaches below the margin; else (or without
            an interval) ``not better``.
        title: the decision in a few words.
        reason: why, one or two sentences for people.
        conditions: what was asked; all of them hold where `promoted` or `waits`.
        metric: the deciding metric.
        candidate: its figure; NaN without one.
        in_service: that of the recipe in service, or None where there is none.
        difference: candidate less in service, paired, or None likewise.
        margin: the loss that still counts as no worse, on the scale of the metric.
        groups: one row per group of users: grouping, group, mean, low, high, n_users of the
            candidate, diff_to_in_service, diff_low, diff_high, floor (the least difference allowed)
            and blocks. Empty without a recipe in service.
    """

    promoted: bool
    waits: bool
    outcome: Outcome
    title: str
    reason: str
    conditions: tuple[Condition, ...]
    metric: str
    candidate: Interval
    in_service: Interval | None
    difference: Interval | None
    margin: float
    groups: pd.DataFrame


def groups_against_service(
    candidate: Evaluation,
    in_service: Evaluation,
    groupings: Sequence[Grouping],
    metric: str,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The table of groups that `decide` wants: both recipes by `metric` in every group."""
    cells = user_cells({CANDIDATE: candidate, IN_SERVICE: in_service}, groupings, [metric])
    return group_table(cells, rng, baseline=IN_SERVICE)


def decide(
    candidate: Evaluation,
    in_service: Evaluation | None,
    metric: str,
    groups_table: pd.DataFrame,
    checks_passed: bool,
    config: PromotionConfig,
    rng: np.random.Generator,
    *,
    k: int = 10,
    n_resamples: int = N_RESAMPLES,
) -> Decision:
    """Whether the candidate is promoted, and why.

    Where nothing is in service the candidate is promoted if the checks passed, in either mode: any
    list is better than none. Else all of this must hold:

    - checks: the data and the lists passed theirs.
    - difference: the candidate is better, or it is equal and ``when_equal`` says promote.
    - groups: no group of users loses more than its floor with its whole interval below 0.
    - coverage: of the catalogue coverage in service, ``coverage_floor`` is kept.
    - short lists: the share of users with fewer than k movies is at most ``short_lists`` larger.
    - sameness: at most as asked, where a limit is set.

    Args:
        candidate, in_service: both judged on the same users, with a context of length `k`.
        metric: name of the deciding metric.
        groups_table: from `groups_against_service`, or a `group_table` with the recommenders
            ``candidate`` and ``in_service`` and the latter as its baseline. Rows of other metrics
            and of bands of movies do not count; none is read where nothing is in service.
        checks_passed: whether all blocking checks passed.
        rng: draws the users of the bootstrap.
        k: length of the lists that are shown.

    Raises:
        ValueError: an evaluation lacks a figure, or the two were judged on different users.
    """
    if metric not in candidate.per_user:
        raise ValueError(f"no {metric!r} among {sorted(candidate.per_user)} of the candidate")
    ours = candidate.intervals[metric]
    checks = checks_condition(checks_passed)
    if in_service is None:
        title = "Promoted: the first recipe" if checks_passed else "Not promoted: a check failed"
        reason = "Nothing is in service yet, so the first recipe whose checks pass is promoted."
        return Decision(
            checks_passed, False, "first", title, reason, (checks,), metric, ours, None, None, 0.0,
            _candidate_groups(None),
        )  # fmt: skip
    if metric not in in_service.per_user:
        raise ValueError(f"no {metric!r} among {sorted(in_service.per_user)} in service")
    if not np.array_equal(candidate.users, in_service.users):
        raise ValueError("the two recipes were judged on different users")
    theirs = in_service.intervals[metric]
    difference = difference_of_figures(
        candidate.per_user[metric], in_service.per_user[metric], rng, n_resamples=n_resamples
    )
    margin = _at_most(config.margin, MOST_OF_FIGURE * theirs.mean)
    outcome = _outcome(difference, margin)
    groups = _judged(groups_table, metric, config)
    conditions = (
        checks,
        difference_condition(outcome, difference, margin, config),
        groups_condition(groups),
        coverage_condition(candidate, in_service, config, k),
        short_lists_condition(candidate, in_service, config, k),
        *sameness_conditions(candidate, config, k),
    )
    passed = all(each.passed for each in conditions)
    waits = passed and config.mode == "manual"
    return Decision(
        promoted=passed and not waits,
        waits=waits,
        outcome=outcome,
        title=_title(passed, waits, outcome, conditions),
        reason=" ".join(
            [
                *(each.text for each in conditions if not each.passed or each.name == "difference"),
                figures_sentence(metric, ours, theirs, difference),
            ]
        ),
        conditions=conditions,
        metric=metric,
        candidate=ours,
        in_service=theirs,
        difference=difference,
        margin=margin,
        groups=groups,
    )


def _at_most(asked: float, most: float) -> float:
    """The smaller of the two; what is asked where there is no figure to measure by."""
    return min(asked, most) if np.isfinite(most) else asked


def _outcome(difference: Interval, margin: float) -> Outcome:
    if difference.low > 0:
        return "better"
    if difference.low >= -margin:
        return "equal"
    return "worse" if difference.high < 0 else "not better"


_PASSED: Final[dict[Outcome, str]] = {
    "better": "better than the recipe in service",
    "equal": "no worse than the recipe in service",
}
_KEPT: Final[dict[Outcome, str]] = {
    "equal": "no better than the recipe in service",
    "not better": "not shown to be as good as the recipe in service",
    "worse": "worse than the recipe in service",
}
_FAILED: Final[dict[ConditionName, str]] = {
    "checks": "a check failed",
    "groups": "some users would lose too much",
    "coverage": "too little of the catalogue would be shown",
    "short_lists": "too many users would get short lists",
    "sameness": "everybody would get nearly the same list",
}


def _title(passed: bool, waits: bool, outcome: Outcome, conditions: Sequence[Condition]) -> str:
    if passed:
        return f"{'Waits for approval' if waits else 'Promoted'}: {_PASSED[outcome]}"
    failed = [
        _KEPT[outcome] if each.name == "difference" else _FAILED[each.name]
        for each in conditions
        if not each.passed
    ]
    more = len(failed) - 1
    rest = f"; {more} more condition{'s' if more > 1 else ''} failed" if more else ""
    return f"Not promoted: {failed[0]}{rest}"


def _candidate_groups(table: pd.DataFrame | None) -> pd.DataFrame:
    columns = [
        names.GROUPING,
        names.GROUP,
        names.MEAN,
        names.LOW,
        names.HIGH,
        names.N_USERS,
        TO_IN_SERVICE,
        names.DIFFERENCE_LOW,
        names.DIFFERENCE_HIGH,
    ]
    if table is None:
        return pd.DataFrame(columns=[*columns, FLOOR, BLOCKS])
    return table[columns].reset_index(drop=True)


def _judged(table: pd.DataFrame, metric: str, config: PromotionConfig) -> pd.DataFrame:
    """The candidate's row of each group, with the floor of its difference and whether it blocks."""
    if TO_IN_SERVICE not in table.columns:
        raise ValueError(f"the table of groups has no {TO_IN_SERVICE!r}")
    own = (table[names.RECOMMENDER] == CANDIDATE) & (table[names.METRIC] == metric)
    groups = _candidate_groups(table[own & (table[names.GROUPING] != MOVIE_POPULARITY)])
    difference = groups[TO_IN_SERVICE]
    most = (MOST_OF_GROUP * (groups[names.MEAN] - difference)).to_numpy(dtype=np.float64)
    floor = -np.fmin(config.segment_floor, most)
    blocks = (difference < floor) & (groups[names.DIFFERENCE_HIGH] < 0)
    return groups.assign(**{FLOOR: floor, BLOCKS: blocks.to_numpy(dtype=bool)})
