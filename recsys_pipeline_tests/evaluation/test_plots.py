"""Figures render, say what they show, and keep labels apart and inside."""

import io
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from recsys_pipeline.evaluation import data_plots, names, plots, style

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


def figures() -> dict[str, Figure]:
    rng = np.random.default_rng(0)
    scores = rng.random(500)
    return {
        "by k": plots.metrics_by_k(comparison()),
        "coverage": plots.accuracy_against_coverage(comparison(), "ndcg_at_10"),
        "forest": plots.difference_to_baseline(comparison(), "ndcg_at_10"),
        "scores": data_plots.score_distribution(scores, scores > 0.4),
        "features": data_plots.feature_importance({f"feature_{i}": i for i in range(30)}),
        "rows": data_plots.broken_rows({"rating.out_of_range": 3, "x": 0}, 10, table="ratings"),
        "histories": data_plots.history_lengths(rng.integers(0, 3000, 300)),
    }


def nothing() -> dict[str, Figure]:
    alone = comparison(["popularity"])
    return {
        "coverage": plots.accuracy_against_coverage(alone, "auc"),
        "forest": plots.difference_to_baseline(alone, "ndcg_at_10"),
        "scores": data_plots.score_distribution(np.array([np.nan])),
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
