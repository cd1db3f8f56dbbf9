"""How the business figures come about, step by step, with the figures that go in and come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys_pipeline.business import inputs as i
from recsys_pipeline.business import value as v
from recsys_pipeline.business import wording
from recsys_pipeline.business.inputs import Input


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reckoning.

    Attributes:
        title: what comes out, for people.
        formula: how, in words.
        numbers: what goes in: names and figures as texts.
        result: what comes out, as text.
    """

    title: str
    formula: str
    numbers: tuple[tuple[str, str], ...]
    result: str


def steps(
    inputs: Sequence[Input], outcome: Mapping[str, float], users: int, months: int, currency: str
) -> tuple[Step, ...]:
    """The reckoning with every input at its middle.

    Args:
        inputs: from `inputs_of`.
        outcome: from `value_of` at the middles.
        users, months: as given to `value_of`.
        currency: sign of the currency.
    """
    of = {each.name: each for each in inputs}

    def given(*names: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (of[name].words, wording.shown(of[name].value, of[name].unit, currency))
            for name in names
        )

    def money(value: float) -> str:
        return wording.shown(value, wording.MONEY, currency)

    def people(value: float) -> str:
        return wording.shown(value, wording.USERS)

    people_in = ("Users who get the lists", people(users))
    months_in = ("Months", str(months))
    churn_after = min(max(of[i.CHURN].value * (1 + of[i.CHURN_LIFT].value), 0.0), 1.0)
    time_without = users * float(((1 - of[i.CHURN].value) ** np.arange(months)).sum())
    time_with = time_without + outcome[v.USER_MONTHS]
    user_months = (
        "Months that users stay, in all, with it",
        wording.shown(time_with, wording.MONTHS),
    )
    others = ("The same without it", wording.shown(time_without, wording.MONTHS))
    reached, clicks = outcome[v.REACHED], outcome[v.CLICKS]
    return (
        Step(
            "Users who leave",
            "Each month the same share of those who are still there leaves; with it that share is "
            "changed by the lift. Over all months: users × (1 − (1 − share)^months).",
            (
                people_in,
                months_in,
                *given(i.CHURN, i.CHURN_LIFT),
                ("Users who leave in a month, with it", wording.shown(churn_after, wording.SHARE)),
            ),
            f"{people(outcome[v.WOULD_LEAVE])} without it, {people(outcome[v.LEAVE])} with it",
        ),
        Step(
            "Users kept",
            "Those who would have left less those who leave: never more than would have left.",
            (
                ("Users who would leave", people(outcome[v.WOULD_LEAVE])),
                ("Users who leave", people(outcome[v.LEAVE])),
            ),
            people(outcome[v.KEPT]),
        ),
        Step(
            "Further clicks",
            "Months that users stay × clicks a month, with the lift and the longer stay less "
            "without them.",
            (user_months, others, *given(i.CLICKS, i.CLICKS_LIFT)),
            wording.shown(clicks, wording.CLICKS),
        ),
        Step(
            "Users reached",
            "Users with at least one further click. Clicks are not users: one user makes many. "
            "The chance of none is (1 + mean further clicks ÷ shape)^−shape, over how long users "
            f"stay; so never more than the {users:,} users there are.",
            (people_in, months_in, *given(i.CLICKS, i.CLICKS_LIFT, i.EVENNESS)),
            f"{people(reached)} of {users:,}",
        ),
        Step(
            "Further time watched",
            "Months that users stay × hours a month, with the lift and the longer stay less "
            "without them.",
            (user_months, others, *given(i.WATCH_HOURS, i.WATCH_LIFT)),
            wording.shown(outcome[v.WATCH_HOURS], wording.HOURS),
        ),
        Step(
            "Further revenue",
            "Further months that users stay × revenue a month + further clicks × revenue of a "
            "click.",
            (
                ("Further months", wording.shown(outcome[v.USER_MONTHS], wording.MONTHS)),
                ("Further clicks", wording.shown(clicks, wording.CLICKS)),
                *given(i.REVENUE_PER_USER, i.REVENUE_PER_CLICK),
            ),
            money(outcome[v.REVENUE]),
        ),
        Step(
            "What is left of it",
            "Further revenue × the share that is left after its own costs.",
            (("Further revenue", money(outcome[v.REVENUE])), *given(i.MARGIN)),
            money(outcome[v.MARGIN]),
        ),
        Step(
            "Cost",
            "Building it once + months × (machines + weekly runs and storage + other costs).",
            (months_in, *given(i.PROJECT, i.SERVERS, i.COMPUTE, i.FIXED)),
            money(outcome[v.COST]),
        ),
        Step(
            "Result and return",
            "What is left of the revenue − cost; as a share of the cost it is the return on the "
            "investment (ROI).",
            (("What is left", money(outcome[v.MARGIN])), ("Cost", money(outcome[v.COST]))),
            f"{money(outcome[v.NET])}"
            + (
                f", a return of {wording.shown(outcome[v.ROI], wording.CHANGE)}"
                if np.isfinite(outcome[v.ROI])
                else "; no return, as no cost is set"
            ),
        ),
    )
