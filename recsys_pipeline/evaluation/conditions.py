"""The conditions of the promotion gate, each with what was found in words for people."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.config import PromotionConfig
from recsys_pipeline.evaluation.evaluate import Evaluation
from recsys_pipeline.evaluation.groups import group_label
from recsys_pipeline.evaluation.intervals import Interval

IN_SERVICE: Final = "in_service"
TO_IN_SERVICE: Final = names.DIFFERENCE.format(IN_SERVICE)
FLOOR: Final = "floor"
BLOCKS: Final = "blocks"
_LOSSES_NAMED: Final = 3

ConditionName = Literal["checks", "difference", "groups", "coverage", "short_lists", "sameness"]
Outcome = Literal["first", "better", "equal", "not better", "worse"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the gate.

    Attributes:
        name: which one.
        passed: whether it holds.
        figure: what was found; NaN where nothing could be.
        limit: what it is held against.
        text: both in words for people.
    """

    name: ConditionName
    passed: bool
    figure: float
    limit: float
    text: str


def checks_condition(passed: bool) -> Condition:
    """The data and the lists passed their blocking checks."""
    text = "All checks passed." if passed else "A check failed."
    return Condition("checks", passed, float(passed), 1.0, text)


def difference_condition(
    outcome: Outcome, difference: Interval, margin: float, config: PromotionConfig
) -> Condition:
    """The candidate is better, or equal where the settings take that."""
    keeps = outcome == "equal" and config.when_equal == "keep"
    limit = 0.0 if config.when_equal == "keep" else -margin
    texts: dict[Outcome, str] = {
        "better": "The candidate is better than the recipe in service.",
        "equal": (
            f"The candidate is no worse than the recipe in service (margin {margin:.4g})"
            + (", but only a better one may replace it." if keeps else ".")
        ),
        "not better": (
            "It is not shown that the candidate is as good as the recipe in service "
            f"(margin {margin:.4g})."
        ),
        "worse": "The candidate is worse than the recipe in service.",
    }
    passed = outcome == "better" or (outcome == "equal" and not keeps)
    return Condition("difference", passed, difference.low, limit, texts[outcome])


def groups_condition(groups: pd.DataFrame) -> Condition:
    """No group of users loses more than its floor with its whole interval below 0.

    Args:
        groups: as in ``Decision.groups``; the figure and limit are of the group that fares worst.
    """
    known = groups.dropna(subset=[TO_IN_SERVICE])
    known = known.iloc[np.argsort(known[TO_IN_SERVICE] - known[FLOOR], kind="stable")]
    if known.empty:
        nothing = float("nan")
        return Condition("groups", True, nothing, nothing, "There are no groups to compare.")
    blocking = known[known[BLOCKS].astype(bool)]
    if not blocking.empty:
        losses = [
            f"{group_label(row[names.GROUPING], row[names.GROUP])} "
            f"({row[TO_IN_SERVICE]:+.3f}, allowed {row[FLOOR]:+.3f}, {row[names.N_USERS]:,} users)"
            for row in blocking.iloc[:_LOSSES_NAMED].to_dict("records")
        ]
        more = len(blocking) - len(losses)
        losses += [f"{more} more"] if more else []
        text = f"Some users lose more than allowed: {', '.join(losses)}."
        known = blocking
    else:
        text = f"None of {len(known)} groups of users loses more than allowed."
    worst = known.iloc[0]
    return Condition(
        "groups", blocking.empty, float(worst[TO_IN_SERVICE]), float(worst[FLOOR]), text
    )


def coverage_condition(
    candidate: Evaluation, in_service: Evaluation, config: PromotionConfig, k: int
) -> Condition:
    """Enough of the catalogue coverage in service is kept."""
    name = names.at_k(names.COVERAGE, k)
    ours, theirs = _of_lists(candidate, name), _of_lists(in_service, name)
    limit = config.coverage_floor * theirs
    text = (
        f"The lists show {_percent(ours)} of the catalogue; in service they show "
        f"{_percent(theirs)}, and at least {_percent(limit)} must stay."
    )
    return Condition("coverage", bool(ours >= limit), ours, limit, text)


def short_lists_condition(
    candidate: Evaluation, in_service: Evaluation, config: PromotionConfig, k: int
) -> Condition:
    """Hardly more users get a list that is too short than do in service."""
    name = names.at_k(names.SHORT_LISTS, k)
    ours, theirs = _of_lists(candidate, name), _of_lists(in_service, name)
    limit = theirs + config.short_lists
    text = (
        f"{_percent(ours)} of the users get fewer than {k} movies; in service {_percent(theirs)} "
        f"do, and at most {_percent(limit)} may."
    )
    return Condition("short_lists", bool(ours <= limit), ours, limit, text)


def sameness_conditions(
    candidate: Evaluation, config: PromotionConfig, k: int
) -> tuple[Condition, ...]:
    """Lists are not too much alike; no condition where the settings set no limit."""
    if config.sameness is None:
        return ()
    ours = _of_lists(candidate, names.at_k(names.SAMENESS, k))
    text = (
        f"{_percent(ours)} of a list is among the {k} movies shown most; at most "
        f"{_percent(config.sameness)} may be."
    )
    return (Condition("sameness", bool(ours <= config.sameness), ours, config.sameness, text),)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _of_lists(evaluation: Evaluation, name: str) -> float:
    if name not in evaluation.of_lists:
        raise ValueError(f"no {name!r} among {sorted(evaluation.of_lists)}")
    return evaluation.of_lists[name]
