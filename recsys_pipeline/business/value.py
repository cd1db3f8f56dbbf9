"""What the recommender brings and costs, from given inputs: the arithmetic, for many draws at once.

A closed group is counted: the users of today, month after month, fewer as some leave; users who
join later are left out on both sides. In a month each user who is still there clicks and watches
at the rate of today, or at that rate times one plus the lift.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.business import inputs as i

Array = npt.NDArray[np.float64]

CLICKS: Final = "clicks"
WATCH_HOURS: Final = "watch_hours"
USER_MONTHS: Final = "user_months"
REACHED: Final = "users_reached"
WOULD_LEAVE: Final = "would_leave"
LEAVE: Final = "leave"
KEPT: Final = "users_kept"
REVENUE: Final = "revenue"
MARGIN: Final = "margin"
COST: Final = "cost"
NET: Final = "net"
ROI: Final = "roi"


def value_of(x: Mapping[str, Array], users: int, months: int) -> dict[str, Array]:
    """Every outcome over `months`, each ``(n,)``.

    Users reached are those with at least one further click: never more than there are users, how
    ever many clicks there are. A user's further clicks are Poisson, at a rate that differs between
    users by a gamma distribution of shape k, so that none come with probability
    (1 + mean / k)^−k (the zero term of a negative binomial). Users kept are those who would have
    left less those who leave, so never more than would have left.

    Args:
        x: for each name in `business.inputs` its values ``(n,)``.
        users: users who get the lists.
        months: months that are counted.

    Returns:
        by the names of this module; the ROI is NaN where nothing is spent.
    """
    before = x[i.CHURN]
    after = np.clip(before * (1 + x[i.CHURN_LIFT]), 0.0, 1.0)
    stay_before, stay_after = _present(before, months), _present(after, months)
    time_before, time_after = users * stay_before.sum(0), users * stay_after.sum(0)
    clicks = x[i.CLICKS] * (time_after * (1 + x[i.CLICKS_LIFT]) - time_before)
    watched = x[i.WATCH_HOURS] * (time_after * (1 + x[i.WATCH_LIFT]) - time_before)
    would_leave = users * (1 - (1 - before) ** months)
    leave = users * (1 - (1 - after) ** months)
    user_months = time_after - time_before
    revenue = user_months * x[i.REVENUE_PER_USER] + clicks * x[i.REVENUE_PER_CLICK]
    margin = revenue * x[i.MARGIN]
    cost = x[i.PROJECT] + months * (x[i.SERVERS] + x[i.COMPUTE] + x[i.FIXED])
    net = margin - cost
    return {
        CLICKS: clicks,
        WATCH_HOURS: watched,
        USER_MONTHS: user_months,
        REACHED: users * _reached(x, after, stay_after),
        WOULD_LEAVE: would_leave,
        LEAVE: leave,
        KEPT: would_leave - leave,
        REVENUE: revenue,
        MARGIN: margin,
        COST: cost,
        NET: net,
        ROI: np.divide(net, cost, out=np.full_like(net, np.nan), where=cost > 0),
    }


def _present(churn: Array, months: int) -> Array:
    """Share of the users who are still there in each month: ``(months, n)``."""
    return (1 - churn) ** np.arange(months, dtype=np.float64)[:, None]


def _reached(x: Mapping[str, Array], churn: Array, present: Array) -> Array:
    """Share of the users with at least one further click while they stay: ``(n,)``."""
    months = len(present)
    ends = present * churn
    ends[-1] = present[-1]
    further = x[i.CLICKS] * np.maximum(x[i.CLICKS_LIFT], 0.0)
    shape = x[i.EVENNESS]
    stayed = np.arange(1, months + 1, dtype=np.float64)[:, None]
    some = -np.expm1(-shape * np.log1p(stayed * further / shape))
    reached: Array = (ends * some).sum(0)
    return np.clip(reached, 0.0, 1.0)
