"""How figures of a week are written for people: each metric in its unit, and its change."""

from typing import Any, Final

from recsys_pipeline.monitoring import names
from recsys_pipeline.serving.texts import Words

LATENCIES: Final = frozenset((names.LATENCY_P50, names.LATENCY_P95, names.LATENCY_P99))
LESS_IS_BETTER: Final = LATENCIES | {
    names.CHURN_RATE, names.FALLBACK_SHARE, names.CONCENTRATION, names.ERROR_RATE, names.TOP_SHARE,
}  # fmt: skip
_EXACT: Final = frozenset((names.AVAILABILITY, names.ERROR_RATE))
"""Shares of which thousandths matter."""


def figure(words: Words, metric: str, value: float) -> str:
    """A figure in its unit: a share in %, a latency in milliseconds, any other as it is.

    >>> figure(Words("en"), "click_through", 0.1523), figure(Words("fr"), "watch_minutes", 61.25)
    ('15.2%', '61,25')
    """
    if metric in names.SHARES:
        return share(words, value, 3 if metric in _EXACT else 1)
    if metric in LATENCIES:
        return words("milliseconds", number=words.number(1_000 * value, 1))
    return words.number(value, 2)


def share(words: Words, value: float, digits: int = 1) -> str:
    """A share in per cent."""
    return words.number(100 * value, digits) + ("%" if words.language == "en" else "\u202f%")


def change(words: Words, metric: str, value: float) -> str:
    """A change with its sign: of a share in percentage points."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if metric in names.SHARES:
        number = words.number(abs(100 * value), 3 if metric in _EXACT else 1)
        return sign + words("points", number=number)
    return sign + figure(words, metric, abs(value))


def relative(words: Words, value: float) -> str:
    """A relative change with its sign, in per cent.

    >>> relative(Words("en"), -0.031)
    '−3.1%'
    """
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + share(words, abs(value))


def interval(words: Words, metric: str, row: dict[str, Any]) -> str:
    """The interval of a row of figures; empty where it has none."""
    low, high = row[names.LOW], row[names.HIGH]
    if low is None or high is None or low == high:
        return ""
    return words("from_to", low=figure(words, metric, low), high=figure(words, metric, high))


def direction(metric: str, row: dict[str, Any]) -> str:
    """Whether a change is surely for the better (``up``), for the worse (``down``), or neither."""
    low, high = row[names.CHANGE_LOW], row[names.CHANGE_HIGH]
    if low is None or high is None or low <= 0 <= high:
        return ""
    return "up" if (low > 0) != (metric in LESS_IS_BETTER) else "down"
