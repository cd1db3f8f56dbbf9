"""What the reports of a simulated half year are made from."""

import pandas as pd

from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.half_year.config import CONTROL, TREATMENT, HalfYearConfig
from recsys_pipeline.half_year.record import EVERYBODY
from recsys_pipeline.half_year.simulate import Simulated
from recsys_pipeline.reporting.facts import HalfYear, WeeklyFacts
from recsys_pipeline.simulation.life_config import LifeConfig


def choice_rule(life: LifeConfig) -> tuple[str, ...]:
    """How simulated people choose, one sentence each; the whole rule is in docs/simulation.md."""
    bias = f" ** {life.position_bias:g}" if life.position_bias != 1 else ""
    return (
        f"People come as often as their profile says, more often the more satisfied they are, and "
        f"look at a page of {life.places} movies in {life.looks:.0%} of their visits; in the "
        "others they search, or follow what others have watched lately.",
        f"Place r of the page is looked at with probability (1 / log2(1 + r)){bias}, whatever "
        "stands there.",
        "A movie that is looked at is chosen with a probability that grows with the true chance of "
        "liking it, and falls the more often it was shown in vain or its genre was watched lately.",
        "A visit that finds nothing lowers satisfaction; the less of it, the likelier people "
        "leave. Tastes change, new movies and new users come every week.",
        "Nothing of this reads a recommender's scores: only the order of a list.",
    )


def facts_of(
    found: Simulated,
    config: HalfYearConfig,
    command: str,
    loops: pd.DataFrame | None,
    placebo: ExperimentResult | None,
    currency: str,
) -> HalfYear:
    """What the report of the half year is made from.

    Args:
        found: what came of it.
        config: what was simulated.
        command: the line that does it again.
        loops: of `feedback_loops`, or None.
        placebo: the experiment with lists shuffled among users, or None.
        currency: sign of the currency.
    """
    record = found.record
    own = "the personal lists of the release in service"
    return HalfYear(
        users=config.users,
        weeks=config.weeks,
        seed=config.seed,
        command=command,
        choice_rule=choice_rule(config.life),
        arms={
            CONTROL: "the most popular movies",
            TREATMENT: f"{own}, shuffled among users" if config.shuffled else own,
            "holdout": "the most popular movies, for ever",
            EVERYBODY: "the most popular movies, before the experiment",
        },
        treatment=TREATMENT,
        figures=record.by_arm(),
        before_after=record.before_after(),
        loops=loops,
        experiment=found.experiment,
        shuffled=placebo,
        goals=found.worth.goals,
        impact=found.worth.impact,
        agreement=found.worth.agreement,
        alarms=tuple(record.alarms),
        releases=found.manifests,
        notes=(
            f"In the first {config.before} weeks everybody gets the most popular movies.",
            "Churn is told by those who leave for good, as accounts tell it, a month.",
            "Latency and availability are not simulated: nobody asks an API here.",
        ),
        currency=currency,
    )


def week_facts_of(found: Simulated, currency: str) -> WeeklyFacts:
    """What the report of the last week is made from."""
    last = found.last
    release = found.manifests[-1].release if found.manifests else ""
    return WeeklyFacts(
        week=found.week,
        release=release,
        figures=last.figures,
        history=pd.concat(found.record.history, ignore_index=True),
        experiments=last.experiments,
        patterns=last.patterns.sentences,
        checks=found.checks,
        quarantined=dict(found.quarantined),
        alarms=last.alarms,
        goals=found.worth.goals,
        impact=found.worth.impact,
        agreement=found.worth.agreement,
        releases=found.manifests,
        currency=currency,
    )
