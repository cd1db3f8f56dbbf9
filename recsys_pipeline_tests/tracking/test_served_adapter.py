"""Requests as DataFrames: how they become a batch of users, and what is answered."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import PANDAS_DTYPES, USERS
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError
from recsys_pipeline.tracking.adapter import Released, recommend_frame, user_batch
from recsys_pipeline.tracking.request_values import PROFILE_COLUMNS, profiles_of

ModelOf = Callable[[list[int]], Released]
NUMBERS = IdMap.of([10, 20, 30])
TEXTS = IdMap.of(["010", "20", "x y"])


@pytest.mark.parametrize(
    "cell",
    [[10, 30], ["10", " 30 "], (10.0, "+30"), np.array([10, 30]), '["10", 30]', "[10.0, 30]"],
)
def test_histories_are_lists_or_json(cell: Any) -> None:
    batch, unknown = user_batch(pd.DataFrame({"history": [cell]}), NUMBERS)
    assert batch.history.toarray().tolist() == [[1, 0, 1]]
    assert batch.seen.toarray().tolist() == [[1, 0, 1]]
    assert batch.history.dtype == np.float32
    assert unknown.tolist() == [0]


@pytest.mark.parametrize("cell", [[], (), None, np.nan, pd.NA, "", "[]"])
def test_empty_histories(cell: Any) -> None:
    requests = pd.DataFrame({"history": pd.Series([cell], dtype=object)})
    batch, unknown = user_batch(requests, NUMBERS)
    assert (batch.history.nnz, batch.seen.nnz, unknown.tolist()) == (0, 0, [0])


def test_unknown_movies_are_ignored_and_counted() -> None:
    history = [[10, 99], ["x", None, 10.5, True, str(2**63), "20"], []]
    requests = pd.DataFrame({"history": history, "seen": [[98], [30], None]})
    batch, unknown = user_batch(requests, NUMBERS)
    assert batch.history.toarray().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert batch.seen.toarray().tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert unknown.tolist() == [2, 5, 0]


def test_text_ids_keep_their_zeros() -> None:
    batch, unknown = user_batch(pd.DataFrame({"history": [["010", 20, "x y", 10]]}), TEXTS)
    assert batch.history.toarray().tolist() == [[1, 1, 1]]
    assert unknown.tolist() == [1]


def test_largest_weight_of_a_movie_counts() -> None:
    requests = pd.DataFrame(
        {"history": [[10, 20, 10], [30]], "history_weights": [[0.5, 2, 3], None]}
    )
    batch, _ = user_batch(requests, NUMBERS)
    assert batch.history.toarray().tolist() == [[3, 2, 0], [0, 0, 1]]
    assert batch.seen.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -1], [1, None], ["a", 1], [1, 2, 3]])
def test_weights_that_do_not_fit_are_named(weights: list[Any]) -> None:
    requests = pd.DataFrame({"history": [[], [10, 20]], "history_weights": [None, weights]})
    with pytest.raises(ModelError, match="Row 1 of the request: history_weights does not fit"):
        user_batch(requests, NUMBERS)


@pytest.mark.parametrize("cell", [7, "seven", "null", '{"a": 1}', {"a": 1}, b"[1]", "[1"])
def test_histories_that_are_no_lists_are_named(cell: Any) -> None:
    requests = pd.DataFrame({"history": pd.Series([[10], cell], dtype=object)})
    with pytest.raises(ModelError, match="Row 1 of the request: history is no list"):
        user_batch(requests, NUMBERS)


def test_profiles_have_the_dtypes_of_the_users_table() -> None:
    requests = pd.DataFrame(
        {
            "user_id": [1, 2],
            "age": ["34", None],
            "segment": ["adult", None],
            "preferred_genres": [["Drama", None], "Comedy"],
            "signup_at": ["2023-05-01T10:00:00Z", None],
            "mood": ["calm", "wild"],
        },
        index=[7, 9],
    )
    profiles = profiles_of(requests)
    assert [*profiles.columns] == [*(column.name for column in PROFILE_COLUMNS), "mood"]
    for column in PROFILE_COLUMNS:
        assert profiles[column.name].dtype == PANDAS_DTYPES[column.kind]
    assert profiles.index.tolist() == [0, 1]
    assert profiles["age"].tolist()[0] == 34
    assert profiles["preferred_genres"].tolist() == [["Drama"], ["Comedy"]]
    assert profiles["signup_at"].iloc[0] == pd.Timestamp("2023-05-01T10:00", tz="UTC")
    assert profiles.drop(columns=["mood", "preferred_genres"]).iloc[1].isna().all()
    assert profiles["mood"].tolist() == ["calm", "wild"]


def test_absent_profile_columns_are_null() -> None:
    profiles = profiles_of(pd.DataFrame(index=[3, 4]))
    assert len(profiles) == 2
    assert set(profiles.columns) == set(USERS.column_names) - {"user_id"}
    assert profiles.isna().all(axis=None)


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("age", "old", "a number 0 to 120"),
        ("age", 150, "a number 0 to 120"),
        ("subscription_months", -1, "a number at least 0"),
        ("signup_at", "yesterday", "a time"),
    ],
)
def test_profile_values_that_cannot_be_are_named(column: str, value: Any, wanted: str) -> None:
    requests = pd.DataFrame({column: pd.Series([None, value], dtype=object)})
    with pytest.raises(ModelError, match=f"Row 1 of the request: {column} is {value!r}") as error:
        profiles_of(requests)
    assert error.value.hint == f"It must be {wanted}, or null."


def test_lists_by_hand(model_of: ModelOf) -> None:
    requests = pd.DataFrame({"history": [[1], [2, 3, 4], [77]], "k": [2, None, "1"]})
    answer = recommend_frame(model_of([1, 2, 3, 4, 5]), requests, k=4)
    assert answer.columns.tolist() == [
        *("row", "rank", "movie_id", "score", "source", "title", "unknown_movies")
    ]
    assert answer[["row", "rank", "movie_id"]].to_numpy().tolist() == [
        *([0, 1, 2], [0, 2, 3]),
        *([1, 1, 1], [1, 2, 5]),
        *([2, 1, 1],),
    ]
    assert answer["score"].tolist() == [0.75, 0.5, 1, 0, 1]
    assert answer["title"].tolist() == ["Title 2", "Title 3", "Title 1", None, "Title 1"]
    assert answer["unknown_movies"].tolist() == [0, 0, 0, 0, 1]


def test_answer_is_plain_json(model_of: ModelOf) -> None:
    answer = recommend_frame(model_of([1, 2]), pd.DataFrame({"history": [[1]]}))
    text = json.dumps(answer.to_dict("records"), allow_nan=False)
    assert json.loads(text) == [
        {
            "row": 0,
            "rank": 1,
            "movie_id": 2,
            "score": 0.0,
            "source": "popularity",
            "title": None,
            "unknown_movies": 0,
        }
    ]


def test_no_requests_give_no_rows(model_of: ModelOf) -> None:
    answer = recommend_frame(model_of([1, 2]), pd.DataFrame({"history": []}))
    assert len(answer) == 0
    assert answer["movie_id"].dtype == np.int64


@pytest.mark.parametrize("k", [0, -3, "many", 2.5])
def test_lengths_that_are_none_are_named(k: Any, model_of: ModelOf) -> None:
    requests = pd.DataFrame({"history": [[], []], "k": pd.Series([3, k], dtype=object)})
    with pytest.raises(ModelError, match="Row 1 of the request: k is no whole number above 0"):
        recommend_frame(model_of([1, 2]), requests)


def test_no_list_is_longer_than_the_catalogue(model_of: ModelOf) -> None:
    requests = pd.DataFrame({"history": [[1], []], "k": [10**15, None]})
    answer = recommend_frame(model_of([1, 2, 3]), requests, k=10**15)
    assert answer["movie_id"].tolist() == [2, 3, 1, 2, 3]


def test_request_columns_are_no_profile() -> None:
    requests = pd.DataFrame({"history": [[10]], "seen": [[20]], "k": [3], "mood": ["calm"]})
    batch, _ = user_batch(requests, NUMBERS)
    assert set(batch.profiles.columns) == {*(column.name for column in PROFILE_COLUMNS), "mood"}


def test_requests_are_not_changed(model_of: ModelOf) -> None:
    requests = pd.DataFrame({"history": [["1"], "[2]"], "age": ["3", None], "k": [1, None]})
    before = requests.copy(deep=True)
    recommend_frame(model_of([1, 2, 3]), requests)
    pd.testing.assert_frame_equal(requests, before)


@settings(max_examples=25, deadline=None)
@given(
    histories=st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=4),
    k=st.integers(1, 25),
)
def test_each_user_is_answered_as_if_alone(
    model_of: ModelOf, histories: list[list[int]], k: int
) -> None:
    model = model_of(list(range(20)))
    together = recommend_frame(model, pd.DataFrame({"history": histories}), k)
    for row, history in enumerate(histories):
        alone = recommend_frame(model, pd.DataFrame({"history": [history]}), k)
        mine = together[together["row"] == row].assign(row=0).reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, alone)
        best = [movie for movie in range(20) if movie not in history][:k]
        assert alone["movie_id"].tolist() == best
        assert alone["rank"].tolist() == list(range(1, len(best) + 1))
