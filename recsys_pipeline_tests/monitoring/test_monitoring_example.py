"""The five impressions that docs/monitoring.md works out by hand."""

import re
from pathlib import Path

import numpy as np
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.figures import figures
from recsys_pipeline.monitoring.online_week import online_week

PAGE = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
ROW = re.compile(r"^\| `(\w+)` \| .+ \| ([0-9.]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def movies(online):
    minutes = {"alba": 90.0, "brio": 120.0, "cima": None, "dora": None}
    drama, comedy = ["Drama"], ["Comedy"]
    return online.catalogue(minutes, {"alba": drama, "brio": comedy, "cima": drama, "dora": comedy})


@pytest.fixture(scope="module")
def users(online):
    return online.people({"ann": "adult", "bob": "young"})


@pytest.fixture(scope="module")
def week(online, movies, users):
    shown = online.impressions(
        online.shown("r1", "ann", ["alba", "brio"], 10),
        online.shown("r2", "ann", ["alba"], 33),
        online.shown("r3", "bob", ["alba", "cima"], 12, **{n.PERSONAL: False}),
    )
    actions = online.actions(
        online.done("ann", "alba", "click", 10 + 5 / 60, "r1"),
        online.done("ann", "alba", "view", 33.5, **{n.WATCH_FRACTION: 0.5}),
        online.done("ann", "alba", "rating", 35, **{n.RATING: 4.0}),
        online.done("ann", "brio", "view", 60, **{n.WATCH_FRACTION: 1.0}),
        online.done("bob", "cima", "click", 11),
        online.done("bob", "cima", "view", 37, "r3", **{n.WATCH_FRACTION: 0.5}),
    )
    return online_week(
        online.monday, shown, actions, movies=movies, users=users, config=MonitoringConfig()
    )


@pytest.fixture(scope="module")
def tidy(week, movies, users):
    found = figures(week, None, movies=movies, users=users, config=MonitoringConfig())
    return found[found[names.BY] == names.ALL].set_index(names.METRIC)


def test_actions_belong_to_the_impressions_that_the_page_says(week, online):
    rows = week.impressions
    clicked = rows[n.CLICKED_AT]
    assert clicked.notna().tolist() == [True, False, True, False, False]
    assert clicked.iloc[[0, 2]].tolist() == [online.at(10 + 5 / 60), online.at(33.5)]
    assert rows[n.WATCH_MINUTES].tolist() == [0, 0, 45, 0, 0]
    assert rows[n.RATING].fillna(0).tolist() == [0, 0, 4, 0, 0]


def test_every_figure_of_the_page_is_what_is_counted(tidy):
    page = PAGE.read_text(encoding="utf-8")
    by_hand = {metric: float(value) for metric, value in ROW.findall(page)}
    assert len(by_hand) == 11
    for metric, value in by_hand.items():
        assert tidy.loc[metric, names.VALUE] == pytest.approx(value, abs=5e-5), metric


def test_two_users_tell_nothing(tidy):
    row = tidy.loc[names.CLICK_THROUGH]
    assert (row[names.LOW], row[names.HIGH], row[names.N]) == (0.0, 1.0, 2)


def test_what_cannot_be_told_has_a_row_without_a_value(tidy):
    unknown = tidy[tidy[names.VALUE].isna()]
    assert set(unknown.index) == {
        names.NEW_USERS,
        names.RETURN_RATE,
        names.CHURN_RATE,
        names.AVAILABILITY,
        names.ERROR_RATE,
        names.LATENCY_P50,
        names.LATENCY_P95,
        names.LATENCY_P99,
    }
    assert (unknown[names.N] == 0).all()
    assert set(tidy.index) == set(names.LABELS)


def test_each_user_has_one_week(week):
    rows = week.user_weeks.set_index(n.USER_ID)
    assert rows[n.WATCH_MINUTES].to_dict() == {"ann": 165.0, "bob": 52.5}
    counts = [n.ANSWERS, n.ANSWERS_CLICKED, n.ANSWERS_FALLBACK, n.IMPRESSIONS, n.CLICKS]
    assert rows.loc["ann", counts].tolist() == [2, 2, 0, 3, 2]
    assert rows.loc["bob", counts].tolist() == [1, 0, 1, 2, 0]
    assert rows[n.ACTIVE_DAYS].to_dict() == {"ann": 3, "bob": 2}
    assert rows[n.ACTIONS].to_dict() == {"ann": 4, "bob": 2}
    assert np.array_equal(rows[n.RATINGS], [1, 0])
