"""Events as interactions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import INTERACTIONS, PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.pipeline.feedback import interactions_of, with_ids_like
from recsys_pipeline.pipeline.online import EVENT_KINDS, Event

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LIKES = LikesConfig(min_rating=4, min_watched=0.5)
ALL = INTERACTIONS.column_names


def event(kind: str, number: int = 0, **changes: object) -> Event:
    made = Event(f"e{number}", "7", "m", kind, NOON + timedelta(minutes=number), NOON)
    return replace(made, **changes)


def test_every_kind_but_impressions_becomes_a_row():
    events = [event(kind, number) for number, kind in enumerate(EVENT_KINDS)]
    found = interactions_of(events, ALL, LIKES)
    assert found[n.EVENT_TYPE].tolist() == ["view", "rating", "click", "useful", "not_for_me"]
    assert found[n.TIMESTAMP].tolist() == [each.at for each in events if each.kind != "impression"]
    assert found.columns.tolist() == list(ALL)
    for column in INTERACTIONS.columns:
        expected = "str" if column.kind is Kind.ID else PANDAS_DTYPES[column.kind]
        assert found[column.name].dtype == expected


@pytest.mark.parametrize(
    "given, liked",
    [
        (event("useful"), True),
        (event("not_for_me"), False),
        (event("rating", rating=4.0), True),
        (event("rating", rating=3.5), False),
        (event("rating"), None),
        (event("view", watch_fraction=0.5), True),
        (event("view", watch_fraction=0.49), False),
        (event("view", rating=5.0), None),
        (event("click"), None),
    ],
)
def test_liked_is_filled_where_the_event_says_so(given, liked):
    found = interactions_of([given], ALL, LIKES)[n.LIKED].iloc[0]
    assert (None if pd.isna(found) else found) is liked or found == liked
    assert n.LIKED not in interactions_of([given], [n.USER_ID, n.RATING], LIKES).columns


def test_values_are_there_where_an_event_or_the_table_has_them():
    events = [event("click"), event("rating", rating=2.5), event("view", watch_fraction=1.0)]
    found = interactions_of(events, (), LIKES)
    assert found[n.RATING].tolist()[1] == 2.5
    assert found[n.WATCH_FRACTION].tolist()[2] == 1.0
    bare = interactions_of(events[:1], [n.USER_ID, n.RATING], LIKES)
    assert n.RATING in bare.columns
    assert n.WATCH_FRACTION not in bare.columns
    assert n.TIMESTAMP not in bare.columns
    assert n.TIMESTAMP in interactions_of(events[:1], (), LIKES).columns


def test_no_events_are_an_empty_table():
    found = interactions_of([], ALL, LIKES)
    assert len(found) == 0
    assert found.columns.tolist() == list(ALL)


def test_text_ids_take_the_type_of_the_tables():
    rows = interactions_of([event("click", user_id="7"), event("click", user_id=" 8")], (), LIKES)
    assert with_ids_like(rows, n.USER_ID, pd.Series(["a"], dtype="str"))[n.USER_ID].tolist() == [
        "7",
        "8",
    ]
    numbers = pd.Series([1, 2])
    whole = with_ids_like(rows.iloc[:1], n.USER_ID, numbers)
    assert whole[n.USER_ID].dtype == np.int64
    assert whole[n.USER_ID].tolist() == [7]
    assert n.raw(n.USER_ID) not in whole.columns
    assert with_ids_like(rows.iloc[:0], n.USER_ID, numbers)[n.USER_ID].dtype == np.int64


@pytest.mark.parametrize("text", [" 8", "007", "abc", "", "1.0", "9" * 30, "+7", "-0", "٣"])
def test_texts_that_are_no_whole_numbers_could_not_be_parsed(text):
    events = [event("click", user_id="7"), event("click", user_id=text)]
    found = with_ids_like(interactions_of(events, (), LIKES), n.USER_ID, pd.Series([1]))
    assert found[n.USER_ID].isna().tolist() == [False, True]
    assert found[n.USER_ID].iloc[0] == 7
    assert found[n.raw(n.USER_ID)].tolist()[1] == text
    assert pd.isna(found[n.raw(n.USER_ID)].iloc[0])
