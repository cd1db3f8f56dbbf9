"""The arithmetic of the business, by hand, by drawing every user, and within its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.business import inputs as i
from recsys_pipeline.business import value as v

PLAIN = {
    i.CLICKS: 2.0,
    i.WATCH_HOURS: 10.0,
    i.CHURN: 0.5,
    i.EVENNESS: 1.0,
    i.CLICKS_LIFT: 0.5,
    i.WATCH_LIFT: 0.1,
    i.CHURN_LIFT: -0.5,
    i.REVENUE_PER_USER: 10.0,
    i.REVENUE_PER_CLICK: 0.1,
    i.MARGIN: 0.5,
    i.SERVERS: 15.0,
    i.COMPUTE: 5.0,
    i.FIXED: 5.0,
    i.PROJECT: 100.0,
}


def value(users, months, **other):
    x = {name: np.array([figure]) for name, figure in (PLAIN | other).items()}
    return {name: found[0] for name, found in v.value_of(x, users, months).items()}


def test_two_months_of_a_hundred_users_by_hand():
    found = value(100, 2)
    # Without it 100 and 50 users are there, with it 100 and 75.
    assert found[v.USER_MONTHS] == 25
    assert found[v.WOULD_LEAVE] == 75
    assert found[v.LEAVE] == pytest.approx(43.75)
    assert found[v.KEPT] == pytest.approx(31.25)
    assert found[v.CLICKS] == pytest.approx(175 * 3 - 150 * 2)
    assert found[v.WATCH_HOURS] == pytest.approx(175 * 11 - 150 * 10)
    # One further click a month: a quarter stays one month, the rest two; shape 1.
    assert found[v.REACHED] == pytest.approx(100 * (0.25 * (1 - 1 / 2) + 0.75 * (1 - 1 / 3)))
    assert found[v.REVENUE] == pytest.approx(25 * 10 + 225 * 0.1)
    assert found[v.MARGIN] == pytest.approx(136.25)
    assert found[v.COST] == 150
    assert found[v.NET] == pytest.approx(-13.75)
    assert found[v.ROI] == pytest.approx(-13.75 / 150)


def test_no_lift_is_worth_nothing():
    found = value(1000, 12, clicks_lift=0.0, watch_lift=0.0, churn_lift=0.0)
    for name in (v.CLICKS, v.WATCH_HOURS, v.REACHED, v.KEPT, v.REVENUE):
        assert found[name] == pytest.approx(0, abs=1e-9)


def test_no_return_where_nothing_is_spent():
    assert np.isnan(value(10, 1, project=0.0, servers=0.0, compute=0.0, fixed=0.0)[v.ROI])


def test_who_is_reached_as_by_drawing_every_user():
    rng = np.random.default_rng(3)
    users, months, shape, churn, further = 200_000, 6, 0.7, 0.2, 0.15
    stayed = np.minimum(rng.geometric(churn, users), months)
    rate = rng.gamma(shape, further / shape, users)
    clicked = (rng.poisson(rate * stayed) > 0).mean()
    told = value(
        users, months, clicks=0.3, clicks_lift=0.5, churn=churn, churn_lift=0.0, evenness=shape
    )
    assert told[v.REACHED] / users == pytest.approx(clicked, abs=0.004)


def test_clicks_called_users_are_more_than_there_are():
    """Users × sessions × places × precision × lift counts clicks, and passes the users."""
    users, sessions_a_week, places, precision, weeks = 10_000, 5, 10, 0.7, 4.35
    shown = users * sessions_a_week * places * weeks
    further_clicks = shown * precision * 0.0217
    assert round(further_clicks, -2) == 33_000
    assert further_clicks > users
    a_month = sessions_a_week * places * precision * weeks
    found = value(users, 1, clicks=a_month, clicks_lift=0.0217, churn=0.025, churn_lift=0.0)
    assert found[v.CLICKS] == pytest.approx(further_clicks)
    assert 7_000 < found[v.REACHED] < users


@given(
    users=st.integers(1, 10**6),
    months=st.integers(1, 60),
    clicks=st.floats(0, 1e6),
    lift=st.floats(-1, 1e3),
    churn=st.floats(0, 1),
    churn_lift=st.floats(-1, 50),
    evenness=st.floats(i.LEAST_EVENNESS, i.MOST_EVENNESS),
)
def test_never_more_users_than_there_are(users, months, clicks, lift, churn, churn_lift, evenness):
    found = value(
        users,
        months,
        clicks=clicks,
        clicks_lift=lift,
        churn=churn,
        churn_lift=churn_lift,
        evenness=evenness,
    )
    assert 0 <= found[v.REACHED] <= users
    assert found[v.KEPT] <= found[v.WOULD_LEAVE] * (1 + 1e-9)
    assert found[v.LEAVE] <= users
