"""Ids keep their type, and their order breaks ties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.data.ids import IdMap

BIG = 2**63 - 1
IDS = st.one_of(
    st.lists(st.integers(-BIG - 1, BIG), min_size=1), st.lists(st.text(max_size=4), min_size=1)
)


@settings(deadline=None, max_examples=40)
@given(IDS)
def test_every_id_finds_its_place_and_back(ids: list) -> None:
    made = IdMap.of(ids)
    index = made.index_of(ids)
    assert made.id_of(index).tolist() == ids
    assert sorted(set(index.tolist())) == list(range(len(made)))
    assert made.values.tolist() == sorted(set(ids))
    assert index.dtype == np.int32


@pytest.mark.parametrize(
    ("ids", "unknown"), [([3, 1, 2], 4), (["b", "a"], "ab"), ([BIG, BIG - 1], BIG - 2)]
)
def test_an_unknown_id_has_no_place(ids: list, unknown: object) -> None:
    assert IdMap.of(ids).index_of([unknown, ids[0]])[0] == -1


def test_neighbouring_ids_near_the_largest_stay_apart() -> None:
    made = IdMap.of(pd.Series([BIG, BIG - 1, BIG - 2]))
    assert made.values.dtype == np.int64
    assert made.index_of([BIG - 2, BIG - 1, BIG]).tolist() == [0, 1, 2]


def test_ids_of_the_other_type_are_unknown() -> None:
    assert IdMap.of([1, 2]).index_of(["1", "2"]).tolist() == [-1, -1]
    assert IdMap.of(["1", "2"]).index_of([1, 2]).tolist() == [-1, -1]
