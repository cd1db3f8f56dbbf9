"""Figures of the week in words: units, directions, and what a change means."""

import math
from typing import Any, Final

import pandas as pd

from recsys_pipeline.business import wording
from recsys_pipeline.monitoring import names as m
from recsys_pipeline.reporting.document import Tone
from recsys_pipeline.reporting.facts import WATCHED

_LATENCIES: Final = {m.LATENCY_P50, m.LATENCY_P95, m.LATENCY_P99}
_INDEXES: Final = {m.CONCENTRATION, m.DIVERSITY}
_COUNTS: Final = {m.USERS, m.ANSWERS, m.IMPRESSIONS, m.ACTIONS}
_BETTER_UP: Final = {
    m.CLICK_THROUGH, m.LIST_CLICK_THROUGH, m.CLICKS, m.WATCH_MINUTES, m.SATISFACTION,
    m.ACTIVE_DAYS, m.RETURN_RATE, m.DIVERSITY, m.COVERAGE, m.AVAILABILITY,
}  # fmt: skip
_BETTER_DOWN: Final = {
    m.CHURN_RATE, m.FALLBACK_SHARE, m.CONCENTRATION, m.TOP_SHARE, m.ERROR_RATE, *_LATENCIES,
}  # fmt: skip

_LABELS: Final = {**m.LABELS, WATCHED: "Concentration of all watched so far (Gini)"}

NOTHING: Final = "–"
"""Stands in a table where there is no figure."""


def label(metric: str) -> str:
    """What a metric is called for people; an unknown one is its name with spaces.

    >>> label("click_through"), label("a_b")
    ('Click-through', 'a b')
    """
    return _LABELS.get(metric, metric.replace("_", " ")).removesuffix(" (s)")


def unit(metric: str) -> str:
    """The unit of a metric, one of `business.wording`."""
    if metric in _LATENCIES:
        return wording.MILLISECONDS
    if metric in m.SHARES - _INDEXES:
        return wording.SHARE
    return {m.SATISFACTION: wording.STARS, m.WATCH_MINUTES: wording.MINUTES}.get(
        metric, wording.PLAIN
    )


def better(metric: str) -> int:
    """1 where more is better, −1 where less is, 0 where neither."""
    return 1 if metric in _BETTER_UP else -1 if metric in _BETTER_DOWN else 0


def figure(metric: str, value: Any) -> str:
    """A figure of a metric with its unit; a dash for none.

    >>> figure("click_through", 0.123), figure("latency_p99", 0.0112), figure("users", 9876.0)
    ('12.3 %', '11.2 ms', '9,876')
    """
    if not known(value):
        return NOTHING
    if metric in _COUNTS:
        return f"{value:,.0f}"
    return wording.shown(_scaled(metric, value), unit(metric))


def interval(metric: str, low: Any, high: Any) -> str:
    """An interval of a metric; a dash for none."""
    if not (known(low) and known(high)):
        return NOTHING
    return wording.within(_scaled(metric, low), _scaled(metric, high), unit(metric))


def change(metric: str, value: Any) -> str:
    """A change of a metric, shares in percentage points; a dash for none.

    >>> change("click_through", 0.0123), change("clicks", -0.5), change("clicks", None)
    ('+1.23 points', '−0.50', '–')
    """
    if not known(value):
        return NOTHING
    if unit(metric) == wording.SHARE:
        text = f"{wording.number(100 * value)} points"
    elif metric in _COUNTS:
        text = f"{value:,.0f}".replace("-", "−")
    else:
        text = wording.shown(_scaled(metric, value), unit(metric))
    return f"+{text}" if value > 0 else text


def change_interval(metric: str, low: Any, high: Any) -> str:
    """An interval of a change; a dash for none.

    >>> change_interval("click_through", -0.01, 0.02)
    '−1.00 to +2.00 points'
    """
    if not (known(low) and known(high)):
        return NOTHING
    first, last = change(metric, low), change(metric, high)
    behind = last.partition(" ")[2]
    return f"{first.removesuffix(f' {behind}') if behind else first} to {last}"


def sure(low: Any, high: Any) -> bool:
    """Whether an interval of a change leaves out zero."""
    return known(low) and known(high) and (low > 0 or high < 0)


def tone(metric: str, value: Any, low: Any, high: Any) -> Tone:
    """Whether a change is good or bad; plain while it may be chance, or is neither."""
    if not sure(low, high) or not better(metric):
        return "plain"
    return "good" if (value > 0) == (better(metric) > 0) else "bad"


def known(value: Any) -> bool:
    """Whether there is a figure."""
    return value is not None and not pd.isna(value) and math.isfinite(value)


def plural(count: int, one: str, many: str = "") -> str:
    """A count and its noun.

    >>> plural(1, "alarm"), plural(2, "alarm"), plural(0, "movie")
    ('1 alarm', '2 alarms', '0 movies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _scaled(metric: str, value: float) -> float:
    return 1000 * value if metric in _LATENCIES else value
