"""What a week online says: figures, drift, alarms, experiments; nothing about a single user."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments.analysis import analyse, analyse_holdout, over_from
from recsys_pipeline.experiments.assignment import Plan, assign_all
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig, ExperimentsConfig
from recsys_pipeline.experiments.participants import WEEK
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.experiments.results import to_json as results_to_json
from recsys_pipeline.monitoring.alarms import (
    Alarm,
    alarms_to_json,
    availability_alarms,
    drift_alarms,
    guardrail_alarms,
    robot_alarms,
)
from recsys_pipeline.monitoring.availability import Reliability
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.drift import Drift, compare
from recsys_pipeline.monitoring.figures import figures
from recsys_pipeline.monitoring.online_week import OnlineWeek, online_week
from recsys_pipeline.monitoring.patterns import Patterns, patterns
from recsys_pipeline.monitoring.profile import Profile, profile
from recsys_pipeline.monitoring.robots import Robots, find_robots
from recsys_pipeline.monitoring.staying import active_days
from recsys_pipeline.monitoring.week_rates import rates_of
from recsys_pipeline.pipeline.experimenting import ByHand, experiments_of
from recsys_pipeline.pipeline.releasing import to_parquet
from recsys_pipeline.pipeline.reports import ALARMS, DRIFT, EXPERIMENTS, FIGURES, PROFILE


@dataclass(frozen=True)
class Seen:
    """What was shown and done in the seven days from `start`, as it came in.

    Attributes:
        start: first moment, UTC.
        impressions, actions: of the contracts, not attributed yet.
        reliability: of the API, or None where it was not measured.
    """

    start: pd.Timestamp
    impressions: pd.DataFrame
    actions: pd.DataFrame
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Known:
    """What is known at the end of the week.

    Attributes:
        users, movies, interactions: the clean tables.
        top_n: the lists, or None.
    """

    users: pd.DataFrame
    movies: pd.DataFrame
    interactions: pd.DataFrame
    top_n: pd.DataFrame | None = None


@dataclass(frozen=True)
class Past:
    """What earlier weeks left.

    Attributes:
        online: the week before, or None.
        user_weeks: rows of the USER_WEEKS contract of earlier weeks, oldest first.
        active: user and time of what users did in the last weeks before this one, or None.
        since: from when on `active` is complete.
        profiles: of the weeks before, oldest first.
        reference: of the week that the release was trained in, or None.
        reliability: of the API in the week before, or None.
    """

    online: OnlineWeek | None = None
    user_weeks: tuple[pd.DataFrame, ...] = ()
    active: pd.DataFrame | None = None
    since: pd.Timestamp | None = None
    profiles: tuple[Profile, ...] = ()
    reference: Profile | None = None
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Experiments:
    """Which experiments there are.

    Attributes:
        config: of the settings.
        hand: what people started and stopped.
        plan: who is in which arm on the last day of the week.
    """

    config: ExperimentsConfig
    hand: ByHand
    plan: Plan


@dataclass(frozen=True)
class Review:
    """What is said of a week.

    Attributes:
        online: the week, attributed and summed up; holds users and is never kept in a report.
        robots: users left out of every figure.
        figures: tidy, see `monitoring.figures.figures`.
        profile: how inputs, scores, lists and behaviour were distributed.
        drift: what was compared with the reference.
        patterns: how tastes moved.
        experiments: what may be said of each experiment.
        alarms: what is wrong.
    """

    online: OnlineWeek
    robots: Robots
    figures: pd.DataFrame
    profile: Profile
    drift: Drift
    patterns: Patterns
    experiments: tuple[ExperimentResult, ...]
    alarms: tuple[Alarm, ...]

    def files(self) -> dict[str, bytes]:
        """What is kept of it, by the names of `pipeline.reports`; nothing about a single user."""
        return {
            FIGURES: to_parquet(self.figures),
            DRIFT: to_parquet(self.drift.rows),
            ALARMS: alarms_to_json(self.alarms).encode(),
            EXPERIMENTS: results_to_json(self.experiments).encode(),
            PROFILE: self.profile.to_json().encode(),
        }


def review(
    seen: Seen,
    known: Known,
    past: Past,
    experiments: Experiments,
    config: MonitoringConfig,
    goal: float | None,
) -> Review:
    """Everything that a week online says.

    Args:
        seen: what was shown and done.
        known: the tables at its end.
        past: earlier weeks.
        experiments: which there are.
        config: of monitoring.
        goal: share of requests to be answered without a failure, or None.
    """
    robots = find_robots(seen.actions)
    online = online_week(
        seen.start,
        seen.impressions,
        seen.actions,
        movies=known.movies,
        users=known.users,
        config=config,
        left_out=robots.users,
    )
    active = active_days(online.actions)
    if past.active is not None:
        active = pd.concat([past.active, active], ignore_index=True)
    found = figures(
        online,
        past.online,
        movies=known.movies,
        users=known.users,
        config=config,
        active=active,
        since=past.since or seen.start,
        assigned=assigned(known.users, known.interactions, experiments.plan),
        reliability=seen.reliability,
        reliability_before=past.reliability,
    )
    shape = profile(
        known.users,
        known.movies,
        known.interactions,
        start=seen.start,
        as_of=online.end,
        top_n=known.top_n,
        impressions=online.impressions,
        actions=online.actions,
        rates=rates_of(found),
        robots=robots.users,
        reference=past.reference,
    )
    drift = compare(shape, past.reference, past.profiles, config)
    results = results_of(
        (*past.user_weeks, online.user_weeks), experiments, online.end, set(robots.users)
    )
    return Review(
        online=online,
        robots=robots,
        figures=found,
        profile=shape,
        drift=drift,
        patterns=patterns(shape, past.profiles),
        experiments=results,
        alarms=(
            *robot_alarms(robots),
            *drift_alarms(drift),
            *_of_the_api(seen.reliability, goal),
            *guardrail_alarms(_broken(results)),
        ),
    )


def assigned(users: pd.DataFrame, interactions: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """``user_id``, ``experiment`` and ``arm`` of everybody who is in an experiment.

    Args:
        users, interactions: the clean tables; the second says how long histories are.
        plan: of the day.
    """
    counts = interactions[n.USER_ID].value_counts()
    lengths = users[n.USER_ID].map(counts).fillna(0).to_numpy(dtype=np.int64)
    groups = None
    if n.SEGMENT in users.columns:
        groups = users[n.SEGMENT].fillna("").to_numpy(dtype=object)
    found = assign_all(users[n.USER_ID].to_numpy(), plan, segments=groups, histories=lengths)
    frame = pd.DataFrame(
        {
            n.USER_ID: users[n.USER_ID].to_numpy(),
            n.EXPERIMENT: pd.Series([each.experiment for each in found], dtype="str"),
            n.ARM: pd.Series([each.arm for each in found], dtype="str"),
        }
    )
    return frame[(frame[n.EXPERIMENT] != "").to_numpy()].reset_index(drop=True)


def results_of(
    user_weeks: Sequence[pd.DataFrame],
    experiments: Experiments,
    until: pd.Timestamp,
    robots: set[object],
) -> tuple[ExperimentResult, ...]:
    """What may be said of every experiment that somebody was exposed to, and of the holdout.

    One that is over is told as it was then; one that was over within its first week is not told.

    Args:
        user_weeks: of all weeks so far, oldest first.
        experiments: which there are.
        until: end of the last week.
        robots: users left out.
    """
    parts = [each for each in user_weeks if len(each)]
    if not parts:
        return ()
    rows = pd.concat(parts, ignore_index=True)
    exposed = set(rows[n.EXPERIMENT].unique())
    config, hand = experiments.config, experiments.hand
    found = [
        _analysed(rows, each, experiments, until, robots)
        for each in experiments_of(config, hand)
        if _counts(rows, each, hand)
    ]
    if config.holdout and HOLDOUT in exposed:
        found.append(analyse_holdout(rows, config, until=until, robots=robots))
    return tuple(found)


def _counts(rows: pd.DataFrame, experiment: ExperimentConfig, hand: ByHand) -> bool:
    """Whether somebody was exposed to an experiment in a week that it lasted through."""
    weeks = rows.loc[(rows[n.EXPERIMENT] == experiment.name).to_numpy(), n.WEEK]
    end = over_from(experiment, hand.over_since(experiment.name))
    return len(weeks) > 0 and (end is None or bool(weeks.min() + WEEK <= end))


def _analysed(
    rows: pd.DataFrame,
    experiment: ExperimentConfig,
    experiments: Experiments,
    until: pd.Timestamp,
    robots: set[object],
) -> ExperimentResult:
    return analyse(
        rows,
        experiment,
        until=until,
        holdout=experiments.config.holdout,
        robots=robots,
        stopped=experiments.hand.stopped_arms(experiment.name),
        over_since=experiments.hand.over_since(experiment.name),
    )


def _of_the_api(reliability: Reliability | None, goal: float | None) -> tuple[Alarm, ...]:
    if reliability is None or goal is None or not reliability.answers:
        return ()
    found = reliability.availability
    return availability_alarms(found.mean, goal, low=found.low, high=found.high)


def _broken(results: Sequence[ExperimentResult]) -> list[tuple[str, str]]:
    """What does harm now: nothing of an experiment that is over, or of an arm that was stopped."""
    return [
        (f"{result.name}/{guardrail.arm} {guardrail.metric}", guardrail.text)
        for result in results
        for guardrail in result.guardrails
        if guardrail.broken and not result.over and guardrail.arm not in result.stopped
    ]
