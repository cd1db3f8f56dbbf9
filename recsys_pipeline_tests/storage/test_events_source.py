"""What came in through the API is next week's interactions."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import INTERACTIONS, RuleContext, rules_of, violations
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.errors import SettingsError, SourceError
from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.settings import load_settings
from recsys_pipeline.sources import FilesConfig, FilesSource, Source
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.events import SqlEventStore
from recsys_pipeline.storage.events_source import EventsSource
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.sources import build_source

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LIKES = LikesConfig()


def event(number: int, user: str, movie: str, kind: str = "click", **changes: object) -> Event:
    at = NOON + timedelta(days=number)
    return replace(Event(f"e{number}", user, movie, kind, at, at), **changes)


def over(events: list[Event], merged: Source | None = None) -> EventsSource:
    store = MemoryEventStore()
    store.add_events(events)
    return EventsSource(lambda: nullcontext(store), merged, LIKES)


def files(folder: Path, interactions: str, **tables: str) -> FilesSource:
    (folder / "interactions.csv").write_text(interactions)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    paths = {name: {"path": f"{name}.csv"} for name in ("interactions", *tables)}
    return FilesSource(FilesConfig.model_validate(paths), folder)


@pytest.fixture
def shop(tmp_path: Path) -> FilesSource:
    return files(
        tmp_path,
        "user_id,movie_id,timestamp,liked\n1,10,2024-01-01,1\n2,20,2024-01-02,0\n",
        users="user_id,age,segment\n1,30,adult\n2,60,senior\n",
        movies="movie_id,title,year\n10,Up,2009\n20,M,1931\n",
    )


def test_events_are_added_below_the_interactions(shop):
    events = [
        event(1, "1", "20", "view", watch_fraction=0.9),
        event(0, "2", "10", "not_for_me"),
        event(2, "1", "10", "impression"),
    ]
    tables = over(events, shop).read(None)
    found = tables.interactions
    assert found[n.USER_ID].tolist() == [1, 2, 2, 1]
    assert found[n.USER_ID].dtype == found[n.MOVIE_ID].dtype == np.int64
    assert found[n.TIMESTAMP].tolist()[2:] == [NOON, NOON + timedelta(days=1)]
    assert found[n.LIKED].tolist() == [True, False, False, True]
    assert found[n.WATCH_FRACTION].isna().tolist() == [True, True, True, False]
    assert found[n.EVENT_TYPE].tolist()[2:] == ["not_for_me", "view"]
    assert found[n.SOURCE_FILE].tolist() == ["interactions.csv"] * 2 + ["events"] * 2
    assert found[n.SOURCE_ROW].tolist() == [2, 3, 1, 2]
    alone = shop.read(None)
    for column in alone.interactions.columns:
        assert found[column].dtype == alone.interactions[column].dtype
    pd.testing.assert_frame_equal(tables.users, alone.users)
    pd.testing.assert_frame_equal(tables.movies, alone.movies)
    assert tables.notes[-1].startswith("2 interactions came in through the API")


def test_a_user_known_from_events_only_gets_a_row(shop):
    tables = over([event(0, "9", "10"), event(1, "5", "10"), event(2, "9", "20")], shop).read(None)
    assert tables.users[n.USER_ID].tolist() == [1, 2, 5, 9]
    assert tables.users[n.USER_ID].dtype == np.int64
    assert tables.users[n.AGE].tolist()[:2] == [30, 60]
    assert tables.users[[n.AGE, n.SEGMENT]].isna().all(axis=1).tolist() == [False] * 2 + [True] * 2
    assert tables.users[n.SOURCE_FILE].tolist()[2:] == ["events", "events"]
    assert tables.users.columns.tolist() == shop.read(None).users.columns.tolist()


def broken(tables) -> dict[str, list[int]]:
    keys = {
        "users": pd.Index(tables.users[n.USER_ID]),
        "movies": pd.Index(tables.movies[n.MOVIE_ID]),
    }
    context = RuleContext(None, keys)
    frame = tables.interactions
    found = {
        rule.name: np.flatnonzero(violations(INTERACTIONS, frame, rule, context)).tolist()
        for rule in rules_of(INTERACTIONS, frame)
    }
    return {name: rows for name, rows in found.items() if rows}


def test_unknown_movies_and_ids_of_another_type_are_left_to_the_rules(shop):
    events = [event(0, "1", "77"), event(1, "x1", "10"), event(2, "1", "ten")]
    tables = over(events, shop).read(None)
    assert broken(tables) == {
        "movie_id.unknown_reference": [2],
        "user_id.unparsable": [3],
        "movie_id.unparsable": [4],
    }
    assert tables.users[n.USER_ID].tolist() == [1, 2]


def test_text_ids_stay_texts(tmp_path):
    shop = files(tmp_path, "user_id,movie_id,timestamp\nann,m1,2024-01-01\n")
    tables = over([event(0, "7", "m1"), event(1, "ann", "m1")], shop).read(None)
    assert tables.users[n.USER_ID].tolist() == ["ann", "7"]
    assert tables.interactions[n.USER_ID].tolist() == ["ann", "7", "ann"]
    assert broken(tables) == {}


def test_events_after_as_of_are_not_there_yet(shop):
    as_of = pd.Timestamp(NOON)
    tables = over([event(0, "1", "10"), event(1, "9", "10")], shop).read(as_of)
    assert len(tables.interactions) == 3
    assert tables.users[n.USER_ID].tolist() == [1, 2]


def test_the_newest_event_is_that_of_either(shop):
    source = over([event(0, "1", "10"), event(3, "1", "10", "impression")], shop)
    assert source.newest_event() == pd.Timestamp(NOON)
    before = pd.Timestamp("2024-01-01T12:00", tz="UTC")
    assert source.newest_event(before) == pd.Timestamp("2024-01-01", tz="UTC")
    assert over([], shop).newest_event() == pd.Timestamp("2024-01-02", tz="UTC")
    assert source.newest_event(pd.Timestamp("2023-01-01", tz="UTC")) is None


def test_an_event_before_all_interactions_is_found(shop):
    source = over([event(-200, "1", "10")], shop)
    moment = pd.Timestamp("2023-12-01", tz="UTC")
    assert source.newest_event(moment) == pd.Timestamp(NOON) - pd.Timedelta(days=200)


def test_interactions_without_times_stay_without(tmp_path):
    shop = files(tmp_path, "user_id,movie_id\n1,10\n2,10\n")
    source = over([event(0, "1", "10"), event(1, "1", "10"), event(2, "2", "10", "view")], shop)
    assert source.newest_event() is None
    tables = source.read(None)
    assert n.TIMESTAMP not in tables.interactions.columns
    assert tables.interactions[n.EVENT_TYPE].tolist()[2:] == ["click", "view"]
    assert broken(tables) == {}


def test_alone_users_and_movies_are_those_of_the_events():
    tables = over([event(0, "10", "b"), event(1, "9", "a"), event(2, "10", "b")]).read(None)
    assert tables.users[n.USER_ID].tolist() == [9, 10]
    assert tables.users[n.USER_ID].dtype == np.int64
    assert tables.movies[n.MOVIE_ID].tolist() == ["a", "b"]
    assert tables.interactions[n.USER_ID].tolist() == [10, 9, 10]
    assert broken(tables) == {}
    assert over([]).newest_event() is None


def test_alone_and_without_events_there_is_nothing_to_read():
    with pytest.raises(SourceError, match="has come in yet"):
        over([event(0, "1", "10", "impression")]).read(None)


def test_without_events_the_other_source_is_as_it_was(shop):
    tables, alone = over([], shop).read(None), shop.read(None)
    for name in ("users", "movies", "interactions"):
        pd.testing.assert_frame_equal(tables.table(name), alone.table(name))


def test_the_fingerprint_changes_with_events_and_with_the_other_source(shop, tmp_path):
    store = MemoryEventStore()
    source = EventsSource(lambda: nullcontext(store), shop, LIKES)
    seen = {source.fingerprint(), source.fingerprint()}
    assert len(seen) == 1
    store.add_events([event(0, "1", "10")])
    seen.add(source.fingerprint())
    (tmp_path / "users.csv").write_text("user_id\n1\n2\n3\n")
    seen.add(source.fingerprint())
    assert len(seen) == 3


def test_the_description_names_both(shop):
    assert over([]).description == "events"
    assert over([], shop).description.startswith("events added to files: ")


def test_settings_make_a_source_of_events_in_the_database(tmp_path):
    (tmp_path / "i.csv").write_text("user_id,movie_id,timestamp\n1,10,2024-01-01\n")
    (tmp_path / "recsys.toml").write_text(
        '[source]\nkind = "events"\n[source.events]\nmerge = "files"\n'
        '[source.files.interactions]\npath = "i.csv"\n'
    )
    settings = load_settings(start=tmp_path)
    store = SqlEventStore(database_of(settings))
    store.add_events([event(0, "1", "10")])
    source = build_source(settings)
    assert len(source.read(None).interactions) == 2
    assert source.newest_event() == pd.Timestamp(NOON)
    store.close()


def test_settings_make_a_source_of_a_database(tmp_path, monkeypatch):
    (tmp_path / "recsys.toml").write_text(
        '[source]\nkind = "sql"\n[source.sql.interactions]\ntable = "ratings"\n'
    )
    monkeypatch.setenv("RECSYS_SOURCE__SQL__URL", f"sqlite:///{tmp_path / 'shop.db'}")
    (tmp_path / "shop.db").touch()
    source = build_source(load_settings(start=tmp_path))
    assert source.description == f"sql: sqlite:///{tmp_path / 'shop.db'}: ratings"


@pytest.mark.parametrize("kind", ["sql", "files", "movielens"])
def test_events_need_the_section_of_what_they_are_merged_with(tmp_path, kind):
    (tmp_path / "recsys.toml").write_text(
        f'[source]\nkind = "events"\n[source.events]\nmerge = "{kind}"\n'
    )
    with pytest.raises(SettingsError, match=f"source.events.merge is '{kind}'"):
        load_settings(start=tmp_path)
