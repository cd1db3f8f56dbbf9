"""A sample holds whole users, the same ones in every run."""

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.sampling import sample_users
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import SimulatedSource
from recsys_pipeline.sources.base import Tables


@pytest.fixture(scope="module")
def tables() -> Tables:
    return SimulatedSource(WorldConfig(users=400, movies=20, interactions=1_500)).read(None)


def test_a_user_is_in_with_all_that_they_did_or_not_at_all(tables: Tables) -> None:
    sampled = sample_users(tables, 0.3)
    chosen = set(sampled.users[n.USER_ID])
    assert 80 < len(chosen) < 160
    theirs = tables.interactions[tables.interactions[n.USER_ID].isin(chosen)]
    pd.testing.assert_frame_equal(sampled.interactions, theirs.reset_index(drop=True))
    assert len(sampled.movies) == len(tables.movies)
    assert sampled.notes[-1] == f"a sample of {len(chosen)} of 400 users"


def test_a_larger_sample_holds_the_smaller_one(tables: Tables) -> None:
    small, large = (set(sample_users(tables, share).users[n.USER_ID]) for share in (0.2, 0.4))
    assert small < large


def test_the_order_of_the_rows_does_not_matter(tables: Tables) -> None:
    turned = Tables(tables.users[::-1], tables.movies, tables.interactions[::-1])
    first, second = sample_users(tables, 0.3), sample_users(turned, 0.3)
    assert set(first.users[n.USER_ID]) == set(second.users[n.USER_ID])
    assert len(first.interactions) == len(second.interactions)


def test_rows_without_an_id_stay_for_the_checks_to_see(tables: Tables) -> None:
    interactions = tables.interactions.copy()
    interactions[n.USER_ID] = interactions[n.USER_ID].astype("str")
    interactions.loc[:4, n.USER_ID] = None
    users = tables.users.assign(**{n.USER_ID: tables.users[n.USER_ID].astype("str")})
    sampled = sample_users(Tables(users, tables.movies, interactions), 0.1)
    assert sampled.interactions[n.USER_ID].isna().sum() == 5


def test_all_is_all(tables: Tables) -> None:
    assert sample_users(tables, 1.0) is tables


@pytest.mark.parametrize("share", [0, -0.1, 1.5, float("nan"), 1e-6])
def test_a_share_that_is_none_is_refused(tables: Tables, share: float) -> None:
    with pytest.raises(SettingsError, match="sample = ") as caught:
        sample_users(tables, share)
    assert caught.value.hint
