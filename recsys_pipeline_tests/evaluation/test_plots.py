"""Figures render, say what they show, and keep labels apart and inside."""

import io
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from recsys_pipeline.evaluation import (
    data_plots,
    decision_plots,
    dial_plots,
    group_plots,
    names,
    plots,
    style,
)
from recsys_pipeline.evaluation.conditions import Condition
from recsys_pipeline.evaluation.intervals import Interval
from recsys_pipeline.evaluation.promotion import Decision

NAMES = ["popularity", "item_knn", "ease", "als", "content", "blend", "random_forest", "hybrid"]


def comparison(recommenders: list[str] = NAMES) -> pd.DataFrame:
    rows = []
    for place, name in enumerate(recommenders):
        for base in (names.NDCG, names.RECALL):
            for k in (5, 10, 20):
                mean = 0.05 + 0.001 * place + 0.001 * k
                rows.append((name, names.at_k(base, k), mean, mean - 0.01, mean + 0.01))
        rows.append((name, "coverage_at_10", 0.02 + 0.001 * place, np.nan, np.nan))
    frame = pd.DataFrame(rows, columns=["recommender", "metric", "mean", "low", "high"])
    frame["diff_to_popularity"] = frame["mean"] - 0.06
    frame["diff_low"] = frame["diff_to_popularity"] - 0.004
    frame["diff_high"] = frame["diff_to_popularity"] + 0.004
    return frame


def around(mean: float, half: float = 0.01, n: int = 1200) -> Interval:
    return Interval(mean, mean - half, mean + half, n)


GROUPS = {"segment": ["adult", "young"], "history_length": ["0", "1", "2–4", "5–9", "10+"]}


def group_rows(recommenders: list[str] = NAMES[:3]) -> pd.DataFrame:
    rows = [
        (name, grouping, group, "ndcg_at_10", 0.2 + 0.02 * place, 0.18, 0.24, 300)
        for place, name in enumerate(recommenders)
        for grouping, groups in GROUPS.items()
        for group in groups
    ]
    columns = [
        "recommender", "grouping", "group", "metric", "mean", "low", "high", "n_users",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def pair_rows(recommenders: list[str] = NAMES) -> pd.DataFrame:
    rows = [
        (a, b, "ndcg_at_10", 0.01 * (i - j), 0.2 if j == i + 1 else 0.001)
        for i, a in enumerate(recommenders)
        for j, b in enumerate(recommenders)
        if i < j
    ]
    return pd.DataFrame(rows, columns=["a", "b", "metric", "difference", "p_corrected"])


def decision(*, first: bool = False) -> Decision:
    groups = group_rows(["candidate"]).drop(columns=["recommender", "metric"])
    groups = groups.assign(
        diff_to_in_service=np.linspace(-0.09, 0.04, len(groups)),
        diff_low=np.linspace(-0.11, 0.02, len(groups)),
        diff_high=np.linspace(-0.07, 0.06, len(groups)),
        floor=-0.05,
        blocks=[True] + [False] * (len(groups) - 1),
    )
    long = "Some users lose more than allowed: " + "segment adult (-0.090, allowed -0.050), " * 6
    return Decision(
        promoted=first,
        waits=False,
        outcome="first" if first else "better",
        title="Promoted: the first recipe" if first else "Not promoted: some users would lose",
        reason="",
        conditions=(
            Condition("checks", True, 1.0, 1.0, "All checks passed."),
            *(() if first else (Condition("groups", False, -0.09, -0.05, long),)),
        ),
        metric="ndcg_at_10",
        candidate=around(0.3),
        in_service=None if first else around(0.28),
        difference=None if first else around(0.02),
        margin=0.005,
        groups=groups.iloc[:0] if first else groups,
    )


SIDES = {"candidate": around(0.3), "in service": around(0.28), "popularity": around(0.2)}


def points() -> list[dial_plots.DialPoint]:
    return [
        dial_plots.DialPoint(f"{dial:.1f}", around(0.3 - 0.1 * dial), dial, dial == 0.2)
        for dial in (0.0, 0.2, 0.5, 1.0)
    ]


@cache
def figures() -> dict[str, Figure]:
    rng = np.random.default_rng(0)
    scores = rng.random(500)
    return {
        "by k": plots.metrics_by_k(comparison()),
        "coverage": plots.accuracy_against_coverage(comparison(), "ndcg_at_10"),
        "forest": plots.difference_to_baseline(comparison(), "ndcg_at_10"),
        "serendipity": plots.accuracy_against_serendipity(
            comparison(), "ndcg_at_10", serendipity="coverage_at_10"
        ),
        "groups": group_plots.figures_by_group(group_rows(), "ndcg_at_10"),
        "pairs": group_plots.difference_matrix(pair_rows()),
        "two": group_plots.difference_matrix(pair_rows(["a", "b"])),
        "dial": dial_plots.trade_off(
            points(), dial="the dial", accuracy="ndcg_at_10", variety="gini_at_10"
        ),
        "calibration": dial_plots.calibration_plot(scores, rng.random(500) < scores),
        "decision": decision_plots.who_won(decision(), SIDES),
        "first": decision_plots.who_won(decision(first=True), {"candidate": around(0.3)}),
        "no intervals": decision_plots.who_won(
            decision(first=True), {"candidate": Interval(0.3, np.nan, np.nan, 1)}
        ),
        "features": data_plots.feature_importance({f"feature_{i}": i for i in range(30)}),
        "rows": data_plots.broken_rows({"rating.out_of_range": 3, "x": 0}, 10, table="ratings"),
        "histories": data_plots.history_lengths(rng.integers(0, 3000, 300)),
    }


@cache
def nothing() -> dict[str, Figure]:
    alone = comparison(["popularity"])
    return {
        "coverage": plots.accuracy_against_coverage(alone, "auc"),
        "forest": plots.difference_to_baseline(alone, "ndcg_at_10"),
        "groups": group_plots.figures_by_group(group_rows(), "auc"),
        "pairs": group_plots.difference_matrix(pair_rows([])),
        "dial": dial_plots.trade_off([], dial="x", accuracy="auc", variety="gini_at_10"),
        "calibration": dial_plots.calibration_plot(np.zeros(0), np.zeros(0, dtype=bool)),
        "features": data_plots.feature_importance({}),
        "rows": data_plots.broken_rows({"x": 0}, 10, table="ratings"),
        "histories": data_plots.history_lengths(np.zeros(0, dtype=int)),
    }


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]


@pytest.mark.parametrize("name", figures())
def test_every_figure_renders_within_its_edges(name: str) -> None:
    figure = figures()[name]
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge == 255).all() for edge in edges)
    assert (pixels < 250).any()


@pytest.mark.parametrize("name", nothing())
def test_a_figure_without_data_says_so(name: str) -> None:
    figure = nothing()[name]
    figure.savefig(io.BytesIO())
    assert any(text.startswith(("No ", "All 10 rows")) for text in texts(figure))


def test_names_stand_apart_beside_the_points() -> None:
    figure = plots.accuracy_against_coverage(comparison(), "ndcg_at_10")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = sorted(
        # Without the line that leads from the name to its point.
        Text.get_window_extent(text, canvas.get_renderer()).get_points()[:, 1].tolist()
        for text in figure.axes[0].texts
    )
    assert len(boxes) == len(NAMES)
    assert all(low[1] <= high[0] + 1.5 for low, high in pairwise(boxes))


def test_lines_are_named_best_first() -> None:
    figure = plots.metrics_by_k(comparison())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == NAMES[::-1]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["nDCG", "Recall"]


def test_the_forest_colours_by_what_the_interval_says() -> None:
    figure = plots.difference_to_baseline(comparison(), "ndcg_at_10")
    bars = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 2][1:]
    colours = {line.get_color() for line in bars}
    assert style.MUTED in colours  # an interval across 0
    assert len(bars) == len(NAMES) - 1


def test_features_beyond_the_top_are_mentioned() -> None:
    figure = data_plots.feature_importance({f"feature_{i}": i for i in range(30)}, top=20)
    assert any("10 weaker features" in text for text in texts(figure))
    assert figure.axes[0].get_yticklabels()[0].get_text() == "feature_29"


def test_a_recommender_keeps_its_colour_and_the_baseline_is_grey() -> None:
    colours = style.colours_of(["a", "popularity", "b"], "popularity")
    assert colours["popularity"] == style.MUTED
    assert len(set(colours.values())) == 3


def test_spread_moves_no_further_than_needed() -> None:
    np.testing.assert_allclose(style.spread([0.5, 0.1], 0.1, 0, 1), [0.5, 0.1])
    np.testing.assert_allclose(style.spread([0.5, 0.5, 0.5], 0.1, 0, 1), [0.5, 0.6, 0.7])
    np.testing.assert_allclose(style.spread([0.97, 0.99], 0.1, 0, 1), [0.9, 1.0])
    assert style.spread([], 0.1, 0, 1).shape == (0,)


def test_the_decision_shows_all_users_each_group_and_why() -> None:
    figure = decision_plots.who_won(decision(), SIDES, title="Not promoted: in words")
    found = texts(figure)
    assert "Not promoted: in words" in found
    assert {"all users", "segment adult", "history 2–4", "history 10+"} <= set(found)
    assert sum(text.endswith("blocks") for text in found) == 1
    assert (found.count("✓"), found.count("✗")) == (1, 1)
    bars, forest, reasons = figure.axes
    assert [tick.get_text() for tick in bars.get_xticklabels()] == list(SIDES)
    (band,) = [patch for patch in forest.patches if patch.get_width() == pytest.approx(0.005)]
    assert band.get_x() == pytest.approx(-0.005)
    FigureCanvasAgg(figure).draw()
    width = figure.bbox.width
    assert all(text.get_window_extent().x1 < width for text in reasons.texts)


def test_the_first_decision_says_that_there_is_nothing_to_compare_with() -> None:
    figure = decision_plots.who_won(decision(first=True), {"candidate": around(0.3)})
    assert "Nothing is in service to compare with" in texts(figure)
    assert "Promoted: the first recipe" in texts(figure)


def test_the_matrix_is_best_first_and_mutes_what_may_be_chance() -> None:
    axes = group_plots.difference_matrix(pair_rows(["a", "b", "c"])).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["c", "b", "a"]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(np.isnan(shown), [[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    assert shown[0, 2] == pytest.approx(0.02) == -shown[2, 0]
    assert {text.get_text(): text.get_color() for text in axes.texts}["+0.010"] == style.MUTED
    assert len(axes.texts) == 6


def test_groups_are_beside_the_baseline_with_their_users() -> None:
    figure = group_plots.figures_by_group(
        group_rows(), "ndcg_at_10", recommenders=["ease", "popularity"]
    )
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "by segment",
        "by liked movies in the history",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ease", "popularity"]
    assert figure.axes[0].get_xticklabels()[0].get_text() == "adult\nn=300"


def test_the_shipped_setting_is_marked() -> None:
    figure = dial_plots.trade_off(
        points(), dial="the dial", accuracy="ndcg_at_10", variety="gini_at_10"
    )
    assert "0.2 (in use)" in texts(figure)
    rings = [line for line in figure.axes[0].get_lines() if line.get_markersize() == 14]
    assert [float(line.get_xdata()[0]) for line in rings] == [0.2]


def test_the_reliability_diagram_states_its_scores() -> None:
    certain = np.array([0.0, 1.0, 1.0])
    figure = dial_plots.calibration_plot(certain, certain > 0)
    assert any("Brier score 0.000, mean gap 0.0 points" in text for text in texts(figure))
