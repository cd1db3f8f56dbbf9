"""What it is worth: from measured and assumed figures to a result with an interval."""

import numpy as np
import pytest

from recsys_pipeline.business import inputs as i
from recsys_pipeline.business import value as v
from recsys_pipeline.business.config import AssumptionsConfig, PricesConfig
from recsys_pipeline.business.goals import Figure
from recsys_pipeline.business.impact import Impact, impact
from recsys_pipeline.business.inputs import Today, evenness_of, inputs_of
from recsys_pipeline.business.lift import measured_lift
from recsys_pipeline.errors import StorageError

LIFTS = [
    measured_lift("clicks", 0.2, 0.15, 0.25, "experiment growth"),
    measured_lift("watch_time", 0.1, 0.05, 0.15, "experiment growth"),
    measured_lift("churn", -0.2, -0.3, -0.1, "experiment growth"),
]
PRICES = PricesConfig(project=1000.0, fixed_per_month=100.0)


def of(lifts, *, seed=1, prices=PRICES, **other):
    today = Today(10_000, Figure(20.0, 19.0, 21.0), evenness=0.8, source="control arm")
    made = inputs_of(today, lifts, AssumptionsConfig(**other), prices, 0.025)
    return impact(made, np.random.default_rng(seed), users=10_000, months=12, draws=4000)


@pytest.mark.parametrize(
    ("known", "standing", "opening"),
    [(0, "estimate", "Estimate"), (1, "partly measured", "Partly"), (3, "measured", "Measured")],
)
def test_an_estimate_until_experiments_measured_it(known, standing, opening):
    found = of(LIFTS[:known])
    assert found.standing == standing
    assert found.sentence.startswith(opening)
    assert [each.name for each in found.inputs if each.name in i.LIFTS and each.measured] == list(
        i.LIFTS[:known]
    )


def test_every_assumption_is_listed_with_its_origin():
    found = {each.name: each for each in of(LIFTS[:1]).inputs}
    assert found[i.CLICKS].source == "control arm"
    assert found[i.CLICKS].measured
    assert found[i.CHURN].source == "settings"
    assert not found[i.CHURN].measured
    assert found[i.CHURN].low < 0.025 < found[i.CHURN].high
    assert found[i.SERVERS].value == pytest.approx(2 * 2 * 0.05 * 730.5)
    assert (found[i.SERVERS].measured, found[i.COMPUTE].value) == (False, 0)


def test_the_interval_and_the_chance_are_those_of_the_draws():
    found = of(LIFTS)
    net = found.outcome(v.NET)
    assert net.low < net.value < net.high
    assert sum(found.counts) == found.draws == 4000
    # Almost all of the variance is in churn, its lift and the price: nearly normal.
    paying = sum(
        count for count, edge in zip(found.counts, found.edges[:-1], strict=True) if edge > 0
    )
    assert found.chance == pytest.approx(paying / 4000, abs=0.05)
    assert found.outcome(v.REACHED).high <= 10_000


def test_same_seed_same_bytes_and_the_file_holds_it_all():
    first = of(LIFTS)
    assert first.to_json() == of(LIFTS).to_json()
    assert first.to_json() != of(LIFTS, seed=2).to_json()
    assert Impact.from_json(first.to_json()) == first
    with pytest.raises(StorageError, match="business impact cannot be read"):
        Impact.from_json(b"{}")


def test_the_tornado_moves_one_input_at_a_time():
    found = of(LIFTS)
    swings = {each.name: each for each in found.swings}
    assert next(iter(swings)) == i.CHURN_LIFT
    widths = [each.width for each in found.swings]
    assert widths == sorted(widths, reverse=True)
    at_low = {each.name: each.value for each in found.inputs} | {i.CHURN_LIFT: -0.3}
    x = {name: np.array([value]) for name, value in at_low.items()}
    assert swings[i.CHURN_LIFT].at_low == pytest.approx(v.value_of(x, 10_000, 12)[v.NET][0])
    # A click earns nothing by the settings: how many there are does not move the result.
    assert i.CLICKS_LIFT not in swings


def test_each_step_ends_in_the_figure_of_the_outcome():
    found = of(LIFTS)
    steps = {step.title: step for step in found.steps}
    assert steps["Users kept"].result == f"{found.outcome(v.KEPT).value:,.0f} users"
    reached = found.outcome(v.REACHED).value
    assert steps["Users reached"].result == f"{reached:,.0f} users of 10,000"
    assert "never more than the 10,000 users there are" in steps["Users reached"].formula
    assert all(step.formula and step.numbers for step in found.steps)


def test_a_vague_ratio_is_as_likely_too_large_as_too_small():
    vague = next(
        each
        for each in inputs_of(
            Today(10),
            [measured_lift("churn", 1.0, -0.5, 7.0, "x")],
            AssumptionsConfig(),
            PRICES,
            0.02,
        )
        if each.name == i.CHURN_LIFT
    )
    drawn = vague.draws(np.random.default_rng(0), 40_000)
    # The ratio is 2, from a quarter to four times as large.
    assert np.median(drawn) == pytest.approx(1.0, abs=0.03)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([-0.5, 7.0], rel=0.05)


def test_a_result_on_either_side_of_nothing_is_not_called_a_gain():
    assert "may earn or lose money, which cannot be told yet" in of([]).sentence
    sure = of(LIFTS, revenue_per_user_month=1000.0).sentence
    assert "the recommender earns" in sure
    assert sure.endswith("It pays with a chance of more than 99 %.")
    assert "the recommender loses" in of(LIFTS, revenue_per_user_month=0.0).sentence


def test_without_a_cost_there_is_no_return():
    free = PricesConfig(servers=0)
    found = of(LIFTS, prices=free)
    assert found.outcome(v.ROI).value is None
    assert "return of" not in found.sentence
    assert found.steps[-1].result.endswith("as no cost is set")


def test_nothing_is_reckoned_for_nobody():
    with pytest.raises(ValueError, match="0 users"):
        impact(of([]).inputs, np.random.default_rng(0), users=0, months=12)


def test_evenness_is_the_shape_that_the_clicks_were_drawn_with():
    rng = np.random.default_rng(4)
    clicks = rng.poisson(rng.gamma(0.6, 5.0, 40_000))
    assert evenness_of(clicks) == pytest.approx(0.6, rel=0.05)
    assert evenness_of(np.full(10, 3)) == i.MOST_EVENNESS
    with pytest.raises(ValueError, match="no clicks"):
        evenness_of([0, 0])
