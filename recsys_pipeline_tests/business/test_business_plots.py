"""The figures of the business: what is drawn, and where."""

import numpy as np
import pytest

from recsys_pipeline.business import plots
from recsys_pipeline.business.config import AssumptionsConfig, GoalsConfig, PricesConfig
from recsys_pipeline.business.goals import Figure, goals
from recsys_pipeline.business.impact import impact
from recsys_pipeline.business.inputs import Today, inputs_of
from recsys_pipeline.business.offline_online import Past, agreement
from recsys_pipeline.evaluation.style import png_of


def texts(figure):
    figure.draw_without_rendering()
    return " | ".join(
        text.get_text()
        for axes in figure.axes
        for text in (*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels())
    )


@pytest.fixture(scope="module")
def worth():
    made = inputs_of(Today(100), [], AssumptionsConfig(), PricesConfig(), 0.025)
    return impact(made, np.random.default_rng(0), users=100, months=12, draws=500)


def test_the_tornado_says_what_is_assumed(worth):
    shown = texts(plots.tornado(worth))
    assert "Change of monthly churn with it\n(assumed)" in shown
    assert "−14.8 %" in shown


def test_the_spread_marks_its_interval(worth):
    assert "95 % interval" in texts(plots.result_spread(worth))


def test_each_goal_is_drawn_beyond_or_short_of_its_target():
    found = goals(
        GoalsConfig(),
        {
            "click_through": Figure(0.18, 0.17, 0.19),
            "availability": Figure(0.9995, 0.9992, 0.9998),
            "response": Figure(250.0),
        },
    )
    figure = plots.goals_strip(found)
    drawn = {
        round(float(line.get_ydata()[0])): float(line.get_xdata()[0])
        for line in figure.axes[0].lines
        if line.get_marker() not in ("None", "", None)
    }
    # 0.03 of 0.15 beyond; half of the failures allowed; at the edge, short.
    assert drawn == pytest.approx({0: 0.2, 5: 0.5, 4: -1.0})
    assert "no figure: cannot tell" in texts(figure)


def test_releases_are_drawn_with_their_correlation():
    rng = np.random.default_rng(0)
    points = [Past(f"r{k}", k / 9, -k / 9, -k / 9 - 0.1, -k / 9 + 0.1) for k in range(9)]
    assert "rank correlation −1.00" in texts(
        plots.offline_online(agreement("AUC", points, rng, draws=50))
    )


def test_empty_figures_say_so():
    for figure in (plots.goals_strip(()), plots.offline_online(agreement("AUC", [], None))):
        assert png_of(figure).startswith(b"\x89PNG")
