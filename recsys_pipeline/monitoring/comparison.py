"""Comparison: what every test of a week says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that was compared, and what came of it.

    Attributes:
        check: the check that it belongs to.
        subject: what was compared.
        statistic: in which respect: ``volume``, ``rate``, ``distribution``, ``missing``,
            ``new values``, ``rows changed`` or ``column gone``.
        value: how large the change is, in the unit of `threshold`.
        threshold: from which size on it is an alarm.
        large: whether it is so large, in a direction that matters.
        p: probability of so large a change by chance.
        text: what was found and what to do.
    """

    check: str
    subject: str
    statistic: str
    value: float
    threshold: float
    large: bool
    p: float
    text: str
