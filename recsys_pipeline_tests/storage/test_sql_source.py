"""Tables from a database are mapped as files are, and its errors say what to do."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources import FilesConfig, FilesSource, SqlConfig, SqlTableConfig
from recsys_pipeline.storage import sql_source
from recsys_pipeline.storage.sql_source import SqlSource


def _at(day: int, hour: int = 0) -> datetime:
    """A moment of March 2024 as a shop keeps it, without a zone."""
    return datetime(2024, 3, day, hour, tzinfo=UTC).replace(tzinfo=None)


RATINGS = [
    # userId, movieId, rating, watched in %, when
    (1, 10, 5.0, 100, _at(1, 12)),
    (1, 20, 0.5, None, _at(2, 12) + timedelta(microseconds=250_000)),
    (2, 10, 3.0, 40, _at(5)),
    (7, 30, None, 0, _at(3)),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A shop's database, with columns as the shop calls them."""
    made = (
        f"sqlite:///{tmp_path / 'shop.db'}"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    metadata = sa.MetaData()
    ratings = sa.Table(
        "ratings",
        metadata,
        sa.Column("userId", sa.Integer),
        sa.Column("movieId", sa.Integer),
        sa.Column("rating", sa.Float),
        sa.Column("watch_percent", sa.Integer),
        sa.Column("timestamp", sa.DateTime),
    )
    titles = sa.Table(
        "titles",
        metadata,
        sa.Column("movieId", sa.Integer),
        sa.Column("title", sa.Text),
        sa.Column("genres", sa.Text),
        sa.Column("year", sa.Integer),
    )
    people = sa.Table(
        "people", metadata, sa.Column("userId", sa.Integer), sa.Column("age", sa.Text)
    )
    engine = sa.create_engine(made.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        keys = [column.name for column in ratings.columns]
        connection.execute(
            sa.insert(ratings), [dict(zip(keys, row, strict=True)) for row in RATINGS]
        )
        movies = [
            (10, "Up", "Animation|Comedy", 2009),
            (20, None, "Drama", None),
            (30, "M", "", 1931),
        ]
        keys = [column.name for column in titles.columns]
        connection.execute(sa.insert(titles), [dict(zip(keys, row, strict=True)) for row in movies])
        ages = [{"userId": 1, "age": "35"}, {"userId": 2, "age": "?"}, {"userId": 7, "age": "old"}]
        connection.execute(sa.insert(people), ages)
    engine.dispose()
    return made


def source(url: str, **tables: object) -> SqlSource:
    given = {"interactions": {"table": "ratings"}, **tables}
    return SqlSource(SqlConfig.model_validate({"url": url, **given}))


WHOLE = {"users": {"table": "people"}, "movies": {"table": "titles"}}


def test_tables_are_mapped_as_the_same_rows_in_files_are(url, tmp_path):
    texts = {
        "interactions": "userId,movieId,rating,watch_percent,timestamp\n"
        + "\n".join(
            ",".join("" if value is None else str(value) for value in row) for row in RATINGS
        ),
        "movies": "movieId,title,genres,year\n10,Up,Animation|Comedy,2009\n20,,Drama,\n30,M,,1931",
        "users": "userId,age\n1,35\n2,?\n7,old",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text + "\n")
    paths = {name: {"path": f"{name}.csv"} for name in texts}
    expected = FilesSource(FilesConfig.model_validate(paths), tmp_path).read(None)
    found = source(url, **WHOLE).read(None)
    place = [n.SOURCE_FILE, n.SOURCE_ROW]
    for name in ("users", "movies", "interactions"):
        frame = found.table(name)
        pd.testing.assert_frame_equal(
            frame.drop(columns=place), expected.table(name).drop(columns=place)
        )
        assert frame[n.SOURCE_ROW].tolist() == list(range(1, len(frame) + 1))
    assert found.users[n.SOURCE_FILE].unique().tolist() == ["people"]
    assert found.users[n.raw(n.AGE)].tolist()[2] == "old"
    assert any("the scale 0 to 100 was detected" in note for note in found.notes)
    assert any(note.startswith("ratings: column `watch_percent`") for note in found.notes)


def test_users_and_movies_may_be_left_out(url):
    tables = source(url).read(pd.Timestamp("2024-03-04", tz="UTC"))
    assert tables.users[n.USER_ID].tolist() == [1, 7]
    assert tables.movies[n.MOVIE_ID].tolist() == [10, 20, 30]
    assert len(tables.interactions) == 4


def test_a_query_may_hold_colons_and_percent_signs(url):
    query = """SELECT "userId" AS who, "movieId" AS what, ':x 10% at 12:30' AS note
        FROM ratings WHERE "userId" % 7 = 1;"""
    asked = {"query": query, "columns": {"user_id": "who", "movie_id": "what"}}
    tables = source(url, interactions=asked).read(None)
    assert tables.interactions[n.MOVIE_ID].tolist() == [10, 20]
    assert tables.interactions["note"].tolist() == [":x 10% at 12:30"] * 2
    assert tables.interactions[n.SOURCE_FILE].tolist() == ["the query"] * 2


def test_the_newest_event_is_found(url):
    shop = source(url)
    assert shop.newest_event() == pd.Timestamp("2024-03-05", tz="UTC")
    assert shop.newest_event(pd.Timestamp("2024-03-05", tz="UTC")) == shop.newest_event()
    before = shop.newest_event(pd.Timestamp("2024-03-04", tz="UTC"))
    assert before == pd.Timestamp("2024-03-03", tz="UTC")
    assert shop.newest_event(pd.Timestamp("2024-02-01", tz="UTC")) is None


def test_the_newest_event_may_be_written_in_another_way(url):
    for time in ("1709290800", "'2024-03-01 11:00'"):
        query = f'SELECT "userId", "movieId", {time} AS timestamp FROM ratings'
        shop = source(url, interactions={"query": query})
        assert shop.newest_event() == pd.Timestamp("2024-03-01 11:00", tz="UTC")
        assert shop.newest_event(pd.Timestamp("2024-02-01", tz="UTC")) is None


def test_without_times_there_is_no_newest_event(url):
    asked = {"query": 'SELECT "userId", "movieId" FROM ratings'}
    assert source(url, interactions=asked).newest_event() is None


def test_the_fingerprint_changes_with_the_rows_only(url):
    before = source(url, **WHOLE).fingerprint()
    assert source(url, **WHOLE).fingerprint() == before
    assert len(before) == 16
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql('INSERT INTO people ("userId") VALUES (8)')
    engine.dispose()
    assert source(url, **WHOLE).fingerprint() != before


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_reading_changes_nothing(url):
    query = "WITH gone AS (DELETE FROM ratings RETURNING *) SELECT * FROM gone"
    with pytest.raises(SourceError):
        source(url, interactions={"query": query}).read(None)
    assert len(source(url).read(None).interactions) == 4


def test_many_rows_come_in_parts(url, monkeypatch):
    monkeypatch.setattr(sql_source, "ROWS_AT_ONCE", 2)
    tables = source(url, **WHOLE).read(None)
    assert tables.interactions[n.MOVIE_ID].tolist() == [10, 20, 10, 30]
    assert tables.interactions[n.RATING].tolist()[:3] == [5.0, 0.5, 3.0]


@pytest.mark.parametrize(
    "changes, said, hint",
    [
        ({"interactions": {"table": "rating"}}, "no table rating", "Did you mean ratings"),
        ({"interactions": {"table": "nothing.like.it"}}, "no table nothing.like.it", ""),
        ({"movies": {"table": "zzz"}}, "no table zzz", "ratings"),
        ({"interactions": {"query": "SELECT nonsense FROM ratings"}}, "nonsense", "query"),
        ({"interactions": {"query": "SELECT * FROM ratings WHERE 1 = 0"}}, "no rows", "Fill"),
        (
            {"interactions": {"table": "ratings", "columns": {"user_id": "usrId"}}},
            "no column 'usrId'",
            "userId",
        ),
        (
            {"interactions": {"table": "titles"}},
            "no column for user_id",
            "[source.sql.interactions.columns]",
        ),
    ],
)
def test_what_cannot_be_read_is_named(url, changes, said, hint):
    with pytest.raises(SourceError) as raised:
        source(url, **changes).read(None)
    assert said in raised.value.message
    assert hint in raised.value.hint


def test_columns_of_one_name_are_refused(postgres_url):
    query = {"query": "SELECT 1 AS a, 2 AS a"}
    with pytest.raises(SourceError, match="more than one column called a"):
        source(postgres_url, interactions=query).read(None)


def test_a_table_without_rights_is_named(postgres_url):
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ratings (user_id int, movie_id int)")
        connection.exec_driver_sql("DROP ROLE IF EXISTS guest")
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
    engine.dispose()
    with pytest.raises(SourceError, match="permission denied for table ratings") as raised:
        source(postgres_url.replace("tests@", "guest:s3cret@")).read(None)
    assert "may SELECT" in raised.value.hint
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "url, said",
    [
        ("no url s3cret", "is no URL"),
        ("postgresql://user:s3cret@127.0.0.1:1/shop", "postgresql://127.0.0.1:1/shop cannot be"),
        ("nosuch://user:s3cret@host/shop", "driver 'nosuch'"),
        ("mysql+nosuch://user:s3cret@host/shop", "driver 'mysql+nosuch'"),
        ("sqlite://user:s3cret@host/shop.db", "that sqlite understands"),
        ("sqlite:////proc/nothing/shop.db", "does not exist"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(url, said):
    with pytest.raises(SourceError) as raised:
        source(url).newest_event()
    assert said in raised.value.message
    assert "s3cret" not in str(raised.value)


def test_the_description_shows_no_password():
    shop = source("postgresql://user:s3cret@127.0.0.1:5433/shop?sslmode=require", **WHOLE)
    assert shop.description == "sql: postgresql://127.0.0.1:5433/shop: people, titles, ratings"
    assert "s3cret" not in repr(shop._config)


@pytest.mark.parametrize(
    "table", [{}, {"table": "a", "query": "SELECT 1"}, {"query": "DELETE FROM ratings"}]
)
def test_a_table_names_a_table_or_a_query(table):
    with pytest.raises(ValidationError):
        SqlTableConfig.model_validate(table)


@pytest.mark.parametrize(
    "values, expected",
    [
        ([Decimal("4.5"), None], ["4.5", None]),
        ([UUID(int=7), None], [str(UUID(int=7)), None]),
        ([1, "a", None], ["1", "a", None]),
        ([2**70, 1], [str(2**70), "1"]),
        ([["Drama", "War"], None], [["Drama", "War"], None]),
        ([True, None], [True, None]),
        (
            [datetime(2024, 3, 1, 1, tzinfo=timezone(timedelta(hours=1)))],
            [datetime(2024, 3, 1, tzinfo=UTC)],
        ),
    ],
)
def test_objects_of_a_driver_become_columns(values, expected):
    found = sql_source._array(values).to_pylist()
    assert [str(each) if isinstance(each, Decimal) else each for each in found] == expected


def test_parts_of_a_column_agree_on_a_type():
    array = sql_source._array
    parts = [sql_source.pa.chunked_array([array(values)]) for values in ([None], [1, 2], [None])]
    whole = sql_source._whole(parts, [1, 2, 1])
    assert whole.to_pylist() == [None, 1, 2, None]
    assert str(whole.type) == "int64"
    nothing = sql_source._whole(parts[:1], [1])
    assert str(nothing.type) == "large_string"
