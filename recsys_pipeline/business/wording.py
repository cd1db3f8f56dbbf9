"""Figures as people read them: with a unit, and with as many digits as say something."""

from typing import Final

SHARE: Final = "share"
"""A share of 1, shown in percent."""
CHANGE: Final = "change"
"""A relative change, shown in percent with its sign."""
MONEY: Final = "money"
"""An amount in the currency of the settings."""
USERS: Final = "users"
CLICKS: Final = "clicks"
HOURS: Final = "hours"
MONTHS: Final = "months"
MINUTES: Final = "min"
STARS: Final = "stars"
MILLISECONDS: Final = "ms"
PLAIN: Final = ""

_WHOLE: Final = {USERS, CLICKS, MONTHS}


def number(value: float) -> str:
    """About three digits, never fewer than those before the point.

    >>> number(33015.2), number(12.34), number(0.0512), number(0)
    ('33,015', '12.3', '0.051', '0')
    """
    size = abs(value)
    if value == 0 or size >= 100:
        return _minus(f"{value:,.0f}")
    if size >= 10:
        return _minus(f"{value:.1f}")
    return _minus(f"{value:.2f}" if size >= 0.1 else f"{value:.2g}")


def shown(value: float, unit: str = PLAIN, currency: str = "€") -> str:
    """A figure with its unit.

    Args:
        value: finite; shares and changes are of 1.
        unit: one of this module's; any other word is put behind the figure.
        currency: sign of the currency.

    >>> shown(0.1534, SHARE), shown(0.1534, CHANGE), shown(-1250.4, MONEY), shown(9.2, STARS)
    ('15.3 %', '+15.3 %', '−1,250 €', '9.20 stars')
    """
    if unit == SHARE:
        return f"{_percent(value)} %"
    if unit == CHANGE:
        sign = "+" if value > 0 else ""
        return f"{sign}{_percent(value)} %"
    text = number(value)
    if unit in _WHOLE and abs(value) >= 10:
        text = _minus(f"{value:,.0f}")
    elif unit == MONEY and 0 < abs(value) < 100:
        text = _minus(f"{value:.2f}")
    behind = currency if unit == MONEY else unit
    return f"{text} {behind}" if behind else text


def within(low: float | None, high: float | None, unit: str = PLAIN, currency: str = "€") -> str:
    """An interval in words; empty where a bound is missing.

    >>> within(0.1, 0.2, SHARE), within(None, 0.2, SHARE)
    ('10.0 to 20.0 %', '')
    """
    if low is None or high is None:
        return ""
    first, last = shown(low, unit, currency), shown(high, unit, currency)
    behind = last.rpartition(" ")[2]
    same = behind and first.endswith(f" {behind}")
    return f"{first.removesuffix(f' {behind}') if same else first} to {last}"


def with_interval(
    value: float, low: float | None, high: float | None, unit: str = PLAIN, currency: str = "€"
) -> str:
    """A figure and, where there is one, its interval.

    >>> with_interval(0.15, 0.1, 0.2, SHARE), with_interval(3, None, None)
    ('15.0 % (10.0 to 20.0 %)', '3.00')
    """
    text = shown(value, unit, currency)
    interval = within(low, high, unit, currency)
    return f"{text} ({interval})" if interval else text


def _percent(share: float) -> str:
    percent = 100 * share
    fine = abs(percent) < 10 or 99 < percent < 100
    if abs(percent) >= 1000:
        return _minus(f"{percent:,.0f}")
    return _minus(f"{percent:.2f}" if fine else f"{percent:.1f}")


def _minus(text: str) -> str:
    """With a true minus sign, and none before a zero."""
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", "−")
