"""The figure of a benchmark shows every recommender twice, and rings the released one."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from recsys_pipeline.evaluation import names, style
from recsys_pipeline.evaluation.benchmark_plots import BenchmarkPanel, benchmark_figure

NAMES = ["random", "popularity", "item_knn", "ease", "als", "content", "profile", "blend", "two"]


def panel(
    split: str = "last", recommenders: list[str] = NAMES, released: str = "blend"
) -> BenchmarkPanel:
    means = 0.01 + 0.03 * np.arange(len(recommenders), dtype=float)
    table = pd.DataFrame(
        {
            names.RECOMMENDER: pd.Series(recommenders, dtype="str"),
            names.MEAN: means,
            names.LOW: means - 0.01,
            names.HIGH: means + 0.01,
        }
    )
    seconds = {name: 0.05 * (place + 1) for place, name in enumerate(recommenders)}
    return BenchmarkPanel(split, "ndcg_at_10", table, seconds, released)


def texts(made) -> list[str]:
    return [text.get_text() for text in made.findobj(lambda a: hasattr(a, "get_text"))]


@pytest.mark.parametrize(
    "panels",
    [
        [panel()],
        [panel("last"), panel("random", NAMES[:2]), panel("strong", NAMES[:1])],
        [BenchmarkPanel("last", "auc", panel().figures.assign(low=np.nan), panel().seconds)],
    ],
    ids=["one", "three", "no intervals"],
)
def test_the_figure_renders_within_its_edges(panels) -> None:
    canvas = FigureCanvasAgg(benchmark_figure("a data set", panels))
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert all((edge == 255).all() for edge in edges)
    assert (pixels < 250).any()


def test_best_on_top_with_its_interval_and_the_released_ringed() -> None:
    left, right = benchmark_figure("a data set", [panel()]).axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == NAMES
    assert left.get_title(loc="left") == "Split: last"
    bars = [line.get_xdata() for line in left.get_lines() if len(line.get_xdata()) == 2]
    assert len(bars) == len(NAMES)
    np.testing.assert_allclose(bars[-1], [0.24, 0.26])
    for axes, where in ((left, (0.22, 7)), (right, (0.4, 0.22))):
        (ring,) = [line for line in axes.get_lines() if line.get_markersize() == 14]
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == pytest.approx(where)
    assert [text.get_text() for text in right.texts] == NAMES
    assert right.get_xscale() == "log"


def test_no_two_look_alike_and_one_looks_alike_everywhere() -> None:
    made = benchmark_figure("a data set", [panel(released=""), panel("random", released="")])
    looks = [
        [
            (line.get_color(), line.get_marker())
            for line in axes.get_lines()
            if line.get_marker() != "None"
        ]
        for axes in made.axes
    ]
    assert all(each == looks[0] for each in looks)
    assert len(set(looks[0])) == len(NAMES)
    assert looks[0][1][0] == style.MUTED


def test_a_recommender_without_a_figure_is_left_out() -> None:
    given = panel()
    table = given.figures.assign(mean=[np.nan, *given.figures["mean"][1:]])
    made = benchmark_figure("x", [BenchmarkPanel("last", "auc", table, given.seconds)])
    assert "random" not in texts(made)
    assert "popularity" in texts(made)


@pytest.mark.parametrize("panels", [[], [panel(recommenders=[])]], ids=["no split", "nobody"])
def test_a_figure_without_data_says_so(panels) -> None:
    made = benchmark_figure("x", panels)
    made.savefig(io.BytesIO())
    assert "No recommender has a figure" in texts(made)
