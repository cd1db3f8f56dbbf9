"""What each dial costs and brings."""

import numpy as np
import pytest

from recsys_pipeline.pipeline.dials import (
    DIVERSITY,
    EXPLORATION,
    PROBABILITY,
    SERENDIPITY,
    accuracy_metric,
    trade_off_points,
)
from recsys_pipeline.pipeline.judging import Judge


@pytest.fixture(scope="module")
def judged(tables, as_of, make_run, make_learning):
    learning = make_learning({"ranker": {"kind": "none"}, "reranking": {"diversity": 0.3}})
    run = make_run(tables, as_of, learning)
    judge = Judge.of(run.cuts, learning)
    return judge, trade_off_points(judge, run.trained.evaluated)


def test_the_setting_in_use_is_among_the_points_once(judged):
    _, points = judged
    shipped = {dial: [p.setting for p in of if p.shipped] for dial, of in points.items()}
    assert shipped == {DIVERSITY: ["0.3"], EXPLORATION: ["1"], SERENDIPITY: ["0"]}


def test_probability_is_paid_for_variety(judged):
    judge, points = judged
    assert accuracy_metric(judge) == PROBABILITY
    accuracy = [point.accuracy.mean for point in points[DIVERSITY]]
    variety = [point.variety for point in points[DIVERSITY]]
    assert accuracy[0] == max(accuracy)
    assert variety[-1] > variety[0]
    assert np.isfinite([p.accuracy.low for p in points[EXPLORATION]]).all()


def test_no_more_places_are_tried_than_a_list_has(tables, as_of, make_run, make_learning):
    learning = make_learning({"k": 2, "ranker": {"kind": "none"}})
    run = make_run(tables, as_of, learning)
    points = trade_off_points(Judge.of(run.cuts, learning), run.trained.evaluated)
    assert [point.setting for point in points[EXPLORATION]] == ["0", "1", "2"]
