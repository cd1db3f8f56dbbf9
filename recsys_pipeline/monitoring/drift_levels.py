"""Drift of levels: how much there is, and the online figures, against the weeks before."""

from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import median
from typing import Final

from recsys_pipeline.contracts import MOVIES, USERS
from recsys_pipeline.monitoring import checks
from recsys_pipeline.monitoring.comparison import Comparison
from recsys_pipeline.monitoring.profile import ALL_ROWS, TOP_N, Profile
from recsys_pipeline.monitoring.recommender import same_recommender
from recsys_pipeline.monitoring.steady import USUAL_WEEKS, departure, surprise
from recsys_pipeline.monitoring.week_rates import Rate

_EVENTS_SPREAD: Final = 0.1
"""Events of one week against another, as assumed before weeks were seen."""
_TABLE_SPREAD: Final = 0.05
"""The same for whole tables and for rates, which move slowly."""


def volumes(now: Profile, recent: Sequence[Profile], least: float) -> Iterator[Comparison]:
    """How much there is of each kind, against the weeks before."""
    for subject, volume in now.volumes.items():
        table, what = subject.split(".")
        if table == TOP_N and recent and not same_recommender(now, recent[-1]):
            continue
        before = [each.volumes[subject].count for each in recent if subject in each.volumes]
        # A whole table is what it was but for a week's changes, and lists are those of the newest
        # recipe: only the week before counts.
        whole = what == ALL_ROWS or table in (USERS.name, MOVIES.name, TOP_N)
        error = 0.0 if whole or not volume.count else sqrt(volume.design / volume.count)
        found = surprise(
            volume.count,
            before[-1:] if whole else before,
            error=error,
            spread=_TABLE_SPREAD if whole else _EVENTS_SPREAD,
        )
        if found is None:
            continue
        yield Comparison(
            check=checks.LISTS_SHIFTED if table == TOP_N else f"{table}_volume",
            subject=subject,
            statistic="volume",
            value=found.change,
            threshold=least,
            large=abs(found.change) >= least,
            p=found.p,
            text=f"{subject} is {volume.count:,}, {found.change:+.0%} against the usual "
            f"{found.usual:,.0f}. "
            + (
                "Look whether another recipe was promoted; if not, compare the two releases."
                if table == TOP_N
                else "Look whether the source delivered all of it, and once."
            ),
        )


def rates(now: Profile, recent: Sequence[Profile], least: float) -> Iterator[Comparison]:
    """Online figures against the weeks before, each in the direction that matters."""
    for check, (metric, direction) in checks.RATE_CHECKS.items():
        rate = now.rates.get(metric)
        if rate is None:
            continue
        before = [each.rates[metric] for each in recent if metric in each.rates]
        found = departure(
            rate.value,
            [each.value for each in before],
            error=_error(rate, before),
            spread=_TABLE_SPREAD,
        )
        if found is None:
            continue
        usual = f"{found.change:+.0%} against the usual {found.usual:.4g}"
        yield Comparison(
            check=check,
            subject=metric,
            statistic="rate",
            value=found.change,
            threshold=direction * least,
            large=direction * found.change >= least,
            p=found.below if direction < 0 else found.above,
            text=f"{metric} is {rate.value:.4g}, {usual if found.usual else 'usually 0'}. See by "
            "arm, release, segment and day since when.",
        )


def _error(rate: Rate, before: Sequence[Rate]) -> float:
    """Standard error of a rate; where no spread is seen, that of the weeks before at its users."""
    if rate.error > 0:
        return rate.error
    known = [
        each.error * sqrt(each.n / rate.n if each.n and rate.n else 1.0)
        for each in before
        if each.error > 0
    ]
    return median(known[-USUAL_WEEKS:]) if known else 0.0
