"""The gate: each rule lets in what it should, and keeps out what it should."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from recsys_pipeline.evaluation.beyond import ListContext
from recsys_pipeline.evaluation.config import PromotionConfig
from recsys_pipeline.evaluation.evaluate import Evaluation, evaluate
from recsys_pipeline.evaluation.groups import (
    Grouping,
    band_cells,
    by_history_length,
    by_segment,
    group_table,
    user_cells,
)
from recsys_pipeline.evaluation.held_out import HeldOut
from recsys_pipeline.evaluation.intervals import difference_of_figures
from recsys_pipeline.evaluation.promotion import (
    CANDIDATE,
    Decision,
    decide,
    groups_against_service,
)

N_USERS, N_ITEMS = 400, 120
METRIC = "ndcg_at_10"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


LIKES = rng(1).random((N_USERS, N_ITEMS)) < 0.1
HELD_OUT = HeldOut(
    np.arange(N_USERS, dtype=np.int32), sp.csr_matrix(LIKES.astype(np.float32)), None, 0, 0
)
NOISE = rng(3).normal(size=LIKES.shape)
OTHER_NOISE = rng(4).normal(size=LIKES.shape)
SEGMENTS = np.where(np.arange(N_USERS) < 60, "small", "large")
GROUPINGS = [by_segment(pd.Series(SEGMENTS)), by_history_length(np.arange(N_USERS) % 12)]
CONTEXT = ListContext(
    np.arange(N_ITEMS),
    sp.csr_matrix(LIKES.shape, dtype=np.float32),
    np.tile(np.arange(20), (N_USERS, 1)),
)


def lists_of(strength: float | np.ndarray, noise: np.ndarray = NOISE) -> np.ndarray:
    """Lists that know the likes the better, the higher the strength (one, or one per user)."""
    by_user = np.broadcast_to(np.asarray(strength, dtype=float).reshape(-1, 1), (N_USERS, 1))
    return np.argsort(-(by_user * LIKES + noise), axis=1)[:, :20].astype(np.int32)


def judged(items: np.ndarray) -> Evaluation:
    return evaluate(items, HELD_OUT, rng(), context=CONTEXT, n_resamples=200)


SERVICE = judged(lists_of(1.0))


def decided(
    candidate: Evaluation,
    service: Evaluation = SERVICE,
    *,
    groupings: list[Grouping] = GROUPINGS,
    checks: bool = True,
    **settings: object,
) -> Decision:
    table = groups_against_service(candidate, service, groupings, METRIC, rng())
    return decide(candidate, service, METRIC, table, checks, PromotionConfig(**settings), rng())


def failed(decision: Decision) -> list[str]:
    return [each.name for each in decision.conditions if not each.passed]


def test_the_first_recipe_is_promoted() -> None:
    for mode in ("auto", "manual"):
        found = decide(
            SERVICE, None, METRIC, pd.DataFrame(), True, PromotionConfig(mode=mode), rng()
        )
        assert (found.promoted, found.waits, found.outcome) == (True, False, "first")
        assert found.in_service is found.difference is None
        assert found.groups.empty
        assert found.title == "Promoted: the first recipe"


def test_the_first_recipe_must_pass_its_checks() -> None:
    found = decide(SERVICE, None, METRIC, pd.DataFrame(), False, PromotionConfig(), rng())
    assert not found.promoted
    assert found.title == "Not promoted: a check failed"
    assert failed(found) == ["checks"]


def test_a_better_candidate_is_promoted() -> None:
    candidate = judged(lists_of(1.6))
    found = decided(candidate, when_equal="keep")
    assert (found.promoted, found.waits, found.outcome) == (True, False, "better")
    assert found.title == "Promoted: better than the recipe in service"
    expected = difference_of_figures(candidate.per_user[METRIC], SERVICE.per_user[METRIC], rng())
    assert found.difference == expected
    assert found.candidate == candidate.intervals[METRIC]
    assert f"nDCG@10 {found.candidate.mean:.3f} against {SERVICE.intervals[METRIC].mean:.3f}" in (
        found.reason
    )
    assert f"{expected.low:+.3f} to {expected.high:+.3f}), 400 users." in found.reason


def test_an_equal_candidate_follows_the_setting() -> None:
    promoted, kept = (decided(SERVICE, when_equal=each) for each in ("promote", "keep"))
    assert promoted.outcome == kept.outcome == "equal"
    assert promoted.promoted
    assert promoted.title == "Promoted: no worse than the recipe in service"
    assert not kept.promoted
    assert kept.title == "Not promoted: no better than the recipe in service"
    assert failed(kept) == ["difference"]


def test_the_margin_says_what_is_no_worse() -> None:
    candidate = judged(lists_of(np.where(np.arange(N_USERS) % 2, 0.95, 1.05)))
    low = difference_of_figures(candidate.per_user[METRIC], SERVICE.per_user[METRIC], rng()).low
    assert -0.02 < low < 0
    assert decided(candidate, margin=-low * 1.01).outcome == "equal"
    outside = decided(candidate, margin=-low * 0.99)
    assert outside.outcome == "not better"
    assert not outside.promoted
    assert decided(SERVICE, margin=0.0).outcome == "equal"


def test_the_margin_is_at_most_a_tenth_of_the_figure() -> None:
    weak = judged(lists_of(-1.0))
    figure = weak.intervals[METRIC].mean
    assert figure < 0.06
    found = decided(weak, weak, margin=0.5)
    assert found.margin == pytest.approx(figure / 10)
    useless = judged(lists_of(-9.0))
    assert decided(useless, weak, margin=0.5).outcome == "worse"


def test_a_worse_candidate_is_not_promoted() -> None:
    found = decided(judged(lists_of(0.3)), when_equal="promote", segment_floor=0.9)
    assert (found.promoted, found.outcome) == (False, "worse")
    assert found.title.startswith("Not promoted: worse than the recipe in service")


def test_what_cannot_be_told_is_not_promoted() -> None:
    found = decided(judged(lists_of(1.0, OTHER_NOISE)), margin=0.0, groupings=[])
    assert (found.promoted, found.outcome) == (False, "not better")
    assert "not shown" in found.title


def test_a_segment_that_loses_too_much_blocks() -> None:
    strength = np.where(SEGMENTS == "small", 0.0, 2.0)
    found = decided(judged(lists_of(strength)))
    assert found.outcome == "better"
    assert not found.promoted
    assert failed(found) == ["groups"]
    assert found.title == "Not promoted: some users would lose too much"
    blocking = found.groups[found.groups["blocks"]]
    assert blocking["group"].tolist() == ["small"]
    row = blocking.iloc[0]
    assert row["diff_high"] < 0
    assert row["diff_to_in_service"] < row["floor"] < 0
    assert "segment small (-0." in found.reason
    assert len(found.groups) == 2 + 5


def test_a_segment_floor_is_at_most_a_quarter_of_its_figure() -> None:
    strength = np.where(SEGMENTS == "small", 0.0, 2.0)
    found = decided(judged(lists_of(strength)), segment_floor=0.9)
    assert not found.promoted
    row = found.groups.set_index("group").loc["small"]
    assert row["floor"] == pytest.approx(-(row["mean"] - row["diff_to_in_service"]) / 4)


def test_a_loss_that_may_be_chance_does_not_block() -> None:
    service, candidate = (judged(lists_of(2.0, noise)) for noise in (NOISE, OTHER_NOISE))
    few = [Grouping("x", ("few", "rest"), (np.arange(N_USERS) >= 4).astype(int))]
    loser, winner = service, candidate
    difference = service.per_user[METRIC].values - candidate.per_user[METRIC].values
    # Four users of whom most lose and one wins: the mean is low and the interval wide.
    order = np.concatenate([np.argsort(difference)[:3], np.argsort(-difference)[:1]])
    few[0].of[:] = 1
    few[0].of[order] = 0
    found = decided(loser, winner, groupings=few, margin=0.1)
    row = found.groups.set_index("group").loc["few"]
    assert row["diff_to_in_service"] < row["floor"]
    assert row["diff_high"] > 0
    assert not row["blocks"]
    assert "groups" not in failed(found)


def test_bands_of_movies_and_other_metrics_do_not_block() -> None:
    lists = {CANDIDATE: lists_of(1.6), "in_service": lists_of(1.0)}
    each = {name: judged(items) for name, items in lists.items()}
    cells = user_cells(each, GROUPINGS, [METRIC, "recall_at_10"])
    cells |= band_cells(lists, HELD_OUT, np.arange(N_ITEMS), [METRIC])
    table = group_table(cells, rng(), baseline="in_service")
    found = decide(
        each[CANDIDATE], each["in_service"], METRIC, table, True, PromotionConfig(), rng()
    )
    assert found.groups["grouping"].unique().tolist() == ["segment", "history_length"]
    assert len(found.groups) == 7


def test_without_groups_no_group_blocks() -> None:
    found = decided(judged(lists_of(1.6)), groupings=[])
    assert found.promoted
    assert found.groups.empty


def with_list_figures(of: Evaluation, **figures: float) -> Evaluation:
    return replace(of, of_lists={**of.of_lists, **figures})


def test_coverage_must_not_collapse() -> None:
    candidate = judged(lists_of(1.6))
    coverage = SERVICE.of_lists["coverage_at_10"]
    for share, passes in ((0.51, True), (0.49, False)):
        narrow = with_list_figures(candidate, coverage_at_10=share * coverage)
        found = decided(narrow, coverage_floor=0.5)
        assert found.promoted == passes
        assert failed(found) == ([] if passes else ["coverage"])


def test_short_lists_must_not_spread() -> None:
    cut = lists_of(1.6)
    cut[:6, 9:] = -1
    found = decided(judged(cut), short_lists=0.01)
    assert failed(found) == ["short_lists"]
    assert "1.5 % of the users get fewer than 10 movies" in found.reason
    assert decided(judged(cut), short_lists=0.02).promoted
    # Where as many are short in service, the catalogue is to blame and not the candidate.
    service = with_list_figures(SERVICE, short_lists_at_10=0.5)
    assert decided(judged(cut), service, short_lists=0.0).promoted


def test_sameness_is_limited_where_asked() -> None:
    candidate = with_list_figures(judged(lists_of(1.6)), sameness_at_10=0.8)
    assert decided(candidate).promoted
    assert decided(candidate, sameness=0.8).promoted
    assert failed(decided(candidate, sameness=0.7)) == ["sameness"]


def test_failed_checks_stop_everything() -> None:
    found = decided(judged(lists_of(1.6)), checks=False)
    assert not found.promoted
    assert failed(found) == ["checks"]


def test_several_reasons_are_all_told() -> None:
    found = decided(judged(lists_of(0.3)), checks=False)
    assert failed(found)[:2] == ["checks", "difference"]
    assert found.title.startswith("Not promoted: a check failed; ")
    assert found.reason.startswith("A check failed. The candidate is worse")


def test_manual_mode_waits_for_a_person() -> None:
    found = decided(judged(lists_of(1.6)), mode="manual")
    assert (found.promoted, found.waits) == (False, True)
    assert found.title == "Waits for approval: better than the recipe in service"
    refused = decided(judged(lists_of(0.3)), mode="manual")
    assert (refused.promoted, refused.waits) == (False, False)


def test_one_user_is_no_evidence() -> None:
    one = HeldOut(HELD_OUT.users[:1], HELD_OUT.relevant[:1], None, 0, 0)
    context = replace(CONTEXT, history=CONTEXT.history[:1], popular=CONTEXT.popular[:1])
    alone = evaluate(lists_of(1.0)[:1], one, rng(), context=context, n_resamples=20)
    table = groups_against_service(alone, alone, [], METRIC, rng())
    found = decide(alone, alone, METRIC, table, True, PromotionConfig(), rng())
    assert (found.promoted, found.outcome) == (False, "not better")
    assert "1 user" in found.reason


def test_the_same_seed_decides_the_same() -> None:
    candidate = judged(lists_of(1.1))
    first, second = decided(candidate), decided(candidate)
    assert first.reason == second.reason
    assert first.groups.equals(second.groups)


def test_what_cannot_be_decided_is_refused() -> None:
    bare = evaluate(lists_of(1.0), HELD_OUT, rng(), n_resamples=20)
    with pytest.raises(ValueError, match="no 'short_lists_at_10'"):
        decided(bare, bare)
    with pytest.raises(ValueError, match="different users"):
        decided(replace(SERVICE, users=SERVICE.users + 1))
    table = groups_against_service(SERVICE, SERVICE, GROUPINGS, METRIC, rng())
    for sides in (
        (SERVICE, replace(SERVICE, per_user={})),
        (replace(SERVICE, per_user={}), SERVICE),
    ):
        with pytest.raises(ValueError, match="no 'ndcg_at_10'"):
            decide(*sides, METRIC, table, True, PromotionConfig(), rng())
    with pytest.raises(ValueError, match="diff_to_in_service"):
        decide(SERVICE, SERVICE, METRIC, table.iloc[:, :4], True, PromotionConfig(), rng())


def test_settings_are_checked() -> None:
    for wrong in ({"margin": -0.1}, {"mode": "maybe"}, {"coverage_floor": 2}, {"unknown": 1}):
        with pytest.raises(ValidationError):
            PromotionConfig(**wrong)
    assert all(field.description for field in PromotionConfig.model_fields.values())
