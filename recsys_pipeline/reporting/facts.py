"""What the reports are made of: plain parts, each of which may be missing; never a user."""

from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from recsys_pipeline.business.goals import Goal
from recsys_pipeline.business.impact import Impact
from recsys_pipeline.business.offline_online import Agreement
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.monitoring.alarms import Alarm
from recsys_pipeline.pipeline.protocols import CheckReport, Manifest

WATCHED: Final = "watched_concentration"
"""Metric of the feedback loops: Gini of everything watched so far, from the first year on."""


@dataclass(frozen=True, slots=True)
class WeeklyFacts:
    """One week. None stands for what is not known, an empty tuple for what is known to be none.

    Attributes:
        week: ISO day on which the week ends, such as ``2024-01-08``.
        release: the release in service at its end, or empty.
        figures: of the week, from `monitoring.figures.figures`.
        history: the same figures of all weeks so far, this one included, with a column ``week``
            (ISO day) more; only rows with by = ``all`` and ``arm`` are used.
        experiments: what may be said of each experiment.
        patterns: sentences on segments and genres that rose or fell beyond chance.
        checks: what the checks found in each table.
        quarantined: rows that were set aside, by table.
        alarms: what is wrong.
        goals, impact, agreement: business figures.
        releases: all releases, oldest first.
        currency: sign of the currency.
        links: addresses of further pages by what they are, such as the week's run.
        complete: whether the week is over; else figures are those so far.
    """

    week: str
    release: str = ""
    figures: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    experiments: tuple[ExperimentResult, ...] | None = None
    patterns: tuple[str, ...] | None = None
    checks: tuple[CheckReport, ...] | None = None
    quarantined: dict[str, int] | None = None
    alarms: tuple[Alarm, ...] | None = None
    goals: tuple[Goal, ...] | None = None
    impact: Impact | None = None
    agreement: Agreement | None = None
    releases: tuple[Manifest, ...] | None = None
    currency: str = "€"
    links: dict[str, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class HalfYear:
    """The simulated half year.

    Attributes:
        users, weeks, seed: what was simulated: users at the start.
        command: the line that does it again.
        choice_rule: how simulated people choose, one sentence each.
        arms: arms and what each of them is, for people, the control first; the names are those in
            `figures`, such as ``{"control": "the most popular movies"}``.
        treatment: the arm whose figures are compared with the control's.
        figures: one row per metric, arm and week: metric, arm, week (int, from 1), value, low,
            high. Metrics as in docs/monitoring.md: click_through, watch_minutes, churn_rate,
            satisfaction, and any further. NaN where a week has none.
        before_after: one row per metric: metric, before, before_low, before_high, after,
            after_low, after_high, change, change_low, change_high: of all users (or the treatment
            arm) in the weeks before the recommender and in the last weeks.
        loops: one row per world, metric and week: world (name for people, such as ``with
            exploration``), metric (concentration, diversity, coverage, …), week, value.
        experiment: treatment against control, at the last week.
        shuffled: the same with the treatment's lists shuffled among its users.
        goals, impact, agreement: business figures at the end.
        alarms: those of all weeks, by week number.
        releases: one per week, oldest first.
        notes: further sentences, such as what is not simulated.
        seconds: how long the simulation took; None to leave it out, so that the page is the same
            on every machine.
        currency: sign of the currency.
    """

    users: int
    weeks: int
    seed: int
    command: str
    choice_rule: tuple[str, ...]
    arms: dict[str, str]
    treatment: str
    figures: pd.DataFrame
    before_after: pd.DataFrame | None = None
    loops: pd.DataFrame | None = None
    experiment: ExperimentResult | None = None
    shuffled: ExperimentResult | None = None
    goals: tuple[Goal, ...] | None = None
    impact: Impact | None = None
    agreement: Agreement | None = None
    alarms: tuple[tuple[int, Alarm], ...] | None = None
    releases: tuple[Manifest, ...] | None = None
    notes: tuple[str, ...] = ()
    seconds: float | None = None
    currency: str = "€"
