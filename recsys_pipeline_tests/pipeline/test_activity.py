"""What was shown and done online, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from recsys_pipeline.contracts import PANDAS_DTYPES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import ACTIONS, IMPRESSIONS
from recsys_pipeline.contracts.table import Kind
from recsys_pipeline.pipeline.activity import actions, activity
from recsys_pipeline.pipeline.online import Event, Shown
from recsys_pipeline.storage.memory_events import MemoryEventStore

START = datetime(2024, 1, 1, tzinfo=UTC)
END = START + timedelta(days=7)
NUMBERS = pd.Series([1, 2], dtype="int64")
TEXTS = pd.Series(["1", "2"], dtype="str")


def shown(number: int, movies: str = "[7, 8]", **changes: object) -> Shown:
    made = Shown(f"r{number}", "1", START + timedelta(hours=number), "rel", "stored", movies)
    return replace(made, **changes)


def event(number: int, kind: str = "view", **changes: object) -> Event:
    at = START + timedelta(hours=number)
    return replace(Event(f"e{number}", "1", "7", kind, at, at), **changes)


def read(store: MemoryEventStore, ids: pd.Series = NUMBERS) -> tuple[pd.DataFrame, pd.DataFrame]:
    return activity(store, pd.Timestamp(START), pd.Timestamp(END), users=ids, movies=ids)


def filled() -> MemoryEventStore:
    store = MemoryEventStore()
    store.add_shown(
        [
            shown(3, '["9"]', kind="cold", personal=False, experiment="x", arm="a"),
            shown(1, propensities="[1, 0.25]"),
            shown(2, user_id=""),
            shown(4, "[]"),
            shown(0, shown_at=START - timedelta(microseconds=1)),
            shown(5, shown_at=END),
            shown(6, user_id="session-x"),
        ]
    )
    store.add_events(
        [
            event(2, "rating", rating=4.5, request_id="r1"),
            event(1, watch_fraction=0.5),
            event(3, "impression"),
            event(4, user_id=""),
            event(5, movie_id="no number"),
            event(6, at=START),
            event(7, at=END),
        ]
    )
    return store


def test_each_movie_of_an_answer_is_an_impression():
    rows, _ = read(filled())
    assert rows[n.REQUEST_ID].tolist() == ["r1", "r1", "r3"]
    assert rows[n.MOVIE_ID].tolist() == [7, 8, 9]
    assert rows[n.RANK].tolist() == [1, 2, 1]
    assert rows[n.PROPENSITY].tolist() == [1.0, 0.25, 1.0]
    assert rows[n.PERSONAL].tolist() == [True, True, False]
    assert rows[n.ANSWER_KIND].tolist() == ["stored", "stored", "cold"]
    assert (rows[n.EXPERIMENT] + rows[n.ARM]).tolist() == ["", "", "xa"]
    assert rows[n.SHOWN_AT].tolist() == [START + timedelta(hours=hour) for hour in (1, 1, 3)]
    assert rows[[n.CLICKED_AT, n.WATCH_MINUTES, n.RATING]].isna().all(axis=None)


def test_events_but_impressions_are_actions():
    _, rows = read(filled())
    assert rows[n.EVENT_TYPE].tolist() == ["view", "view", "rating"]
    assert rows[n.TIMESTAMP].tolist() == [START + timedelta(hours=hour) for hour in (0, 1, 2)]
    assert rows[n.REQUEST_ID].tolist() == ["", "", "r1"]
    assert rows[n.WATCH_FRACTION].fillna(0).tolist() == [0, 0.5, 0]
    assert rows[n.RATING].fillna(0).tolist() == [0, 0, 4.5]


def test_ids_that_are_texts_stay_texts():
    rows, done = read(filled(), TEXTS)
    assert rows[n.USER_ID].tolist() == ["1", "1", "1", "session-x", "session-x"]
    assert rows[n.MOVIE_ID].tolist() == ["7", "8", "9", "7", "8"]
    assert done[n.MOVIE_ID].tolist() == ["7", "7", "7", "no number"]


@pytest.mark.parametrize(("ids", "kind"), [(NUMBERS, "int64"), (TEXTS, "str")])
@pytest.mark.parametrize("store", [filled(), MemoryEventStore()], ids=["filled", "empty"])
def test_dtypes_are_those_of_the_contracts(store, ids, kind):
    for frame, contract in zip(read(store, ids), (IMPRESSIONS, ACTIONS), strict=True):
        assert list(frame.columns) == list(contract.column_names)
        for column in contract.columns:
            expected = kind if column.kind is Kind.ID else PANDAS_DTYPES[column.kind]
            assert frame[column.name].dtype == expected, column.name


def test_chunks_of_the_store_are_put_together(monkeypatch):
    whole = read(filled())
    for name in ("shown_chunks", "event_chunks"):
        plain = getattr(MemoryEventStore, name)

        def small(self, first, rows=1, *, plain=plain, **bounds):
            return plain(self, first, 1, **bounds)

        monkeypatch.setattr(MemoryEventStore, name, small)
    for one, many in zip(whole, read(filled()), strict=True):
        pd.testing.assert_frame_equal(one, many)


def test_actions_alone_are_the_same():
    store = filled()
    alone = actions(store, pd.Timestamp(START), pd.Timestamp(END), users=NUMBERS, movies=NUMBERS)
    pd.testing.assert_frame_equal(alone, read(store)[1])
