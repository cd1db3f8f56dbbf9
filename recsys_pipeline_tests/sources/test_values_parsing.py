"""Texts become the values that a person reads in them; what cannot be read is kept as it came."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources import FilesConfig, FilesSource, FileTableConfig, Tables
from recsys_pipeline.sources.coded import Parsed
from recsys_pipeline.sources.lists import parse_texts
from recsys_pipeline.sources.numbers import parse_flag, parse_integer, parse_number, parse_year
from recsys_pipeline.sources.scales import detect_rating_scale, detect_watch_scale, rescale
from recsys_pipeline.sources.times import parse_time


def column(*values: object) -> pa.ChunkedArray:
    texts = all(value is None or isinstance(value, str) for value in values)
    return pa.chunked_array([pa.array(values, pa.large_string() if texts else None)])


def kept(parsed: Parsed) -> list[object]:
    return [] if parsed.raw is None else parsed.raw.dropna().tolist()


def numbers(*texts: object, grouping: bool = False) -> tuple[list[float], list[object]]:
    parsed = parse_number(column(*texts), {}, grouping)
    assert parsed.values.dtype == np.float64
    return parsed.values.tolist(), kept(parsed)


def test_numbers() -> None:
    assert numbers("1", "2.5", " 3 ", "-1e2") == ([1.0, 2.5, 3.0, -100.0], [])
    assert numbers("3,5", "4") == ([3.5, 4.0], [])
    assert numbers("0,125", "0,250", grouping=True) == ([0.125, 0.25], [])
    assert numbers("1,203", "12", grouping=True) == ([1203.0, 12.0], [])
    assert numbers("1 203", "1\u202f204") == ([1203.0, 1204.0], [])
    assert numbers("85 %", "105 min") == ([85.0, 105.0], [])
    assert numbers(1, 2) == ([1.0, 2.0], [])
    assert numbers(True, False) == ([1.0, 0.0], [])


def test_numbers_that_cannot_be_read_are_null_and_kept() -> None:
    values, raw = numbers("1", " abc ", "inf", "", "NA", "nan", "\\N", None)
    assert values[0] == 1.0
    assert np.isnan(values[1:]).all()
    assert raw == [" abc ", "inf"]


def test_numbers_say_what_was_done() -> None:
    assert parse_number(column("3,5"), {}, False).notes == ("commas are decimal points",)
    assert parse_number(column("1,203"), {}, True).notes == ("thousands are grouped",)
    assert parse_number(column("5 %"), {}, True).notes == ("units after numbers were left out",)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_survive_writing(values: list[float]) -> None:
    parsed = parse_number(column(*map(repr, values)), {}, False)
    assert parsed.values.tolist() == values
    mixed = parse_number(column("x", *map(repr, values)), {}, False)
    assert mixed.values.tolist()[1:] == values


def test_whole_numbers_and_years() -> None:
    parsed = parse_integer(column("7", "7.0", "7.5", "x", ""), {})
    assert parsed.values.tolist() == [7, 7, pd.NA, pd.NA, pd.NA]
    assert str(parsed.values.dtype) == "Int64"
    assert kept(parsed) == ["7.5", "x"]
    years = parse_year(column("1995", "1995-11-22", "01-Jan-1996", "1,2"), {})
    assert years.values.tolist() == [1995, 1995, 1996, pd.NA]
    assert years.notes == ("years were taken out of dates",)
    assert parse_year(column(1999, None), {}).values.tolist() == [1999, pd.NA]


def test_flags() -> None:
    parsed = parse_flag(
        column("1", "0", "True", "FALSE", "oui", "Non", "y", "no", "1.0", "", "10", "perhaps"), {}
    )
    assert parsed.values.tolist()[:9] == [True, False] * 4 + [True]
    assert parsed.values.tolist()[9:] == [pd.NA] * 3
    assert kept(parsed) == ["10", "perhaps"]
    assert parse_flag(column("1", "-1"), {}).values.tolist() == [True, False]
    assert parse_flag(column("1", "0", "-1"), {}).values.tolist() == [True, False, pd.NA]
    assert parse_flag(column(True, None), {}).values.tolist() == [True, pd.NA]
    assert parse_flag(column("love", "hate"), {"love": True, "hate": 0}).values.tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["['Drame', 'Romance']", "[]", ""], [["Drame", "Romance"], [], None]),
        (['["Drama", "Sci-Fi"]'], [["Drama", "Sci-Fi"]]),
        (["['Drame' 'Romance']"], [["Drame", "Romance"]]),
        (["[Drame, Romance]"], [["Drame", "Romance"]]),
        (["['Women\\'s', \"Men's\"]"], [["Women's", "Men's"]]),
        (["[{'id': 18, 'name': 'Drama'}]"], [["Drama"]]),
        (["Drama|Romance", "Comedy"], [["Drama", "Romance"], ["Comedy"]]),
        (["Drama; Romance", "Comedy"], [["Drama", "Romance"], ["Comedy"]]),
        (["Drama, Romance", " Comedy "], [["Drama", "Romance"], ["Comedy"]]),
        (["Science Fiction", "(no genres listed)", None], [["Science Fiction"], None, None]),
    ],
)
def test_lists(texts: list[str | None], expected: list[list[str] | None]) -> None:
    parsed = parse_texts(column(*texts), {}, None)
    assert str(parsed.values.dtype).endswith("[pyarrow]")
    assert [None if row is pd.NA else list(row) for row in parsed.values] == expected
    assert parsed.raw is None


def test_lists_with_a_given_separator_and_values() -> None:
    parsed = parse_texts(column("Drame/Comédie, noire"), {"Drame": "Drama"}, "/")
    assert parsed.values.tolist() == [["Drama", "Comédie, noire"]]
    lists = pa.chunked_array([pa.array([["Drame", " x "], None, []], pa.large_list(pa.string()))])
    parsed = parse_texts(lists.slice(0), {"Drame": "Drama"}, None)
    assert parsed.values.tolist() == [["Drama", "x"], pd.NA, []]
    parsed = parse_texts(lists.slice(1), {}, None)
    assert parsed.values.tolist() == [pd.NA, []]


def test_a_list_that_is_not_closed_is_kept() -> None:
    parsed = parse_texts(column("['a']", "['b'"), {}, None)
    assert parsed.values.tolist() == [["a"], pd.NA]
    assert kept(parsed) == ["['b'"]


MOMENT = pd.Timestamp("2023-11-14 22:13:20", tz="UTC")


def times(*values: object, **settings: object) -> Parsed:
    config = FileTableConfig.model_validate({"path": "x", **settings})
    parsed = parse_time(column(*values), config)
    assert str(parsed.values.dtype) == "datetime64[us, UTC]"
    return parsed


@pytest.mark.parametrize(
    "value",
    [
        "1700000000", "1700000000.0", "1700000000000", "1700000000000000", "1700000000000000000",
        1700000000, 1700000000000, 1.7e9,
        "2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-14T23:13:20+01:00",
        "2023-11-14 22:13:20.000000", "2023-11-14 22:13:20 UTC", " 2023-11-14 22:13:20 ",
        "14/11/2023 22:13:20", "11/14/2023 10:13:20 PM", "14.11.2023 22:13:20",
        "2023/11/14 22:13:20", "20231114 22:13:20", "Tue, 14 Nov 2023 22:13:20 GMT",
    ],
)  # fmt: skip
def test_moments_in_every_way_of_writing(value: object) -> None:
    assert times(value).values[0] == MOMENT
    missing = times(value, None)
    assert missing.values[0] == MOMENT
    assert pd.isna(missing.values[1])
    assert missing.raw is None


@pytest.mark.parametrize("value", ["2023-11-14", "20231114", "14-Nov-2023", "November 14, 2023"])
def test_days(value: str) -> None:
    assert times(value).values[0] == MOMENT.normalize()


def test_units_formats_and_orders_that_are_given() -> None:
    assert times("1700000000", time_unit="ms").values[0] == pd.Timestamp(
        1700000000, unit="ms", tz="UTC"
    )
    assert times("14|11|23", time_format="%d|%m|%y").values[0] == MOMENT.normalize()
    assert kept(times("14|11|23", "x", time_format="%d|%m|%y")) == ["x"]
    assert times("03/04/2024", day_first=True).values[0].month == 4
    assert times("03/04/2024", day_first=False).values[0].month == 3
    assert times("2023", time_unit="iso").values[0].year == 2023


def test_the_order_of_day_and_month_is_judged() -> None:
    assert times("03/04/2024", "13/04/2024").values[0].month == 4
    assert times("03/04/2024", "04/13/2024").values[0].month == 3
    open_order = times("03/04/2024")
    assert open_order.values[0].month == 4
    assert "day_first" in open_order.notes[0]


def test_one_bad_time_among_good_ones_is_kept() -> None:
    for good in ("1700000000", "2023-11-14 22:13:20", "14/11/2023 22:13:20"):
        parsed = times(good, "soon", "", good)
        assert parsed.values[[0, 3]].tolist() == [MOMENT, MOMENT]
        assert parsed.values[[1, 2]].isna().all()
        assert kept(parsed) == ["soon"]


def test_a_number_in_another_unit_is_kept_as_it_came() -> None:
    parsed = times("1700000000", "1700000000", "1700000000000")
    assert kept(parsed) == ["1700000000000"]
    assert "read as seconds since 1970" in parsed.notes
    parsed = times(1700000000, 1700000000, 1700000000000)
    assert kept(parsed) == ["1700000000000"]


def test_microseconds_are_exact() -> None:
    assert times("1700000000123457").values[0].microsecond == 123457


@given(st.lists(st.datetimes(pd.Timestamp("1970-04-01"), pd.Timestamp("2200-01-01")), min_size=1))
def test_times_survive_writing(moments: list[pd.Timestamp]) -> None:
    stamps = pd.Series(pd.DatetimeIndex(moments).as_unit("us"))
    expected = stamps.dt.tz_localize("UTC").tolist()
    assert times(*stamps.astype("str").tolist()).values.tolist() == expected
    written = stamps.astype("int64").astype("str").tolist()
    assert times(*written, time_unit="us").values.tolist() == expected


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 2, 5], (0.5, 5.0)),
        ([0.5, 5], (0.5, 5.0)),
        ([0, 1], (0.0, 1.0)),
        ([0.2, 0.9], (0.0, 1.0)),
        ([0, 3, 5], (0.0, 5.0)),
        ([1, 7, 10], (1.0, 10.0)),
        ([0, 7, 10], (0.0, 10.0)),
        ([4, 18, 12], (0.0, 20.0)),
        ([5, 80, 100], (0.0, 100.0)),
        ([-1, 1], (-1.0, 1.0)),
        ([-9.5, 8], (-10.0, 10.0)),
        ([1, 2, 3, 4, 5] * 100 + [99], (0.5, 5.0)),
    ],
)
def test_rating_scales(values: list[float], scale: tuple[float, float]) -> None:
    found = detect_rating_scale(np.array(values, dtype=float))
    assert found is not None
    assert found.scale == scale
    assert found.unrated is None


def test_scales_that_cannot_be_judged() -> None:
    assert detect_rating_scale(np.array([1.0, 1.0, np.nan])) is None
    assert detect_rating_scale(np.array([-400.0, 900.0])) is None
    assert detect_watch_scale(np.array([np.nan])) is None
    assert detect_watch_scale(np.array([0.1] * 99 + [1.7])) == (0.0, 1.0)


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 1))
def test_rescaling_is_linear(low: float, width: float, share: float) -> None:
    high = low + abs(width) + 1
    value = rescale(np.array([low, high, low + share * (high - low)]), (low, high), (0.5, 5.0))
    assert value == pytest.approx([0.5, 5.0, 0.5 + share * 4.5])


def table(root: Path, text: str, **settings: object) -> Tables:
    (root / "r.csv").write_text(text)
    config = FileTableConfig.model_validate({"path": "r.csv", **settings})
    return FilesSource(FilesConfig(interactions=config), root).read()


def test_scales_in_a_table_are_mapped_and_named(tmp_path: Path) -> None:
    text = "user,movie,rating,progress\n1,1,1,0\n1,2,10,100\n2,1,5.5,50\n"
    tables = table(tmp_path, text)
    assert tables.interactions[n.RATING].tolist() == [0.5, 5.0, 2.75]
    assert tables.interactions[n.WATCH_FRACTION].tolist() == [0.0, 1.0, 0.5]
    assert any("`rating`: the scale 1 to 10 was detected and mapped" in x for x in tables.notes)
    assert any("`progress` (watch_fraction): the scale 0 to 100" in x for x in tables.notes)
    tables = table(tmp_path, text, rating_scale=[0, 10], watch_scale=[0, 200])
    assert tables.interactions[n.RATING].tolist() == pytest.approx([0.95, 5.0, 2.975])
    assert tables.interactions[n.WATCH_FRACTION].tolist() == [0.0, 0.5, 0.25]


def test_given_scales_leave_stars_as_they_are(tmp_path: Path) -> None:
    text = "user,movie,rating\n1,1,1\n1,2,4\n"
    for scale in ([1, 5], [0.5, 5], None):
        tables = table(tmp_path, text, rating_scale=scale)
        assert tables.interactions[n.RATING].tolist() == [1.0, 4.0]
        assert not any("scale" in note for note in tables.notes)


def test_minus_one_among_ratings_means_not_rated(tmp_path: Path) -> None:
    tables = table(tmp_path, "user,movie,rating\n1,1,-1\n1,2,10\n2,2,1\n")
    assert tables.interactions[n.RATING].tolist()[1:] == [5.0, 0.5]
    assert pd.isna(tables.interactions[n.RATING][0])
    assert any("1 values of -1 were read as not rated" in note for note in tables.notes)


def test_mean_ratings_become_zero_to_five(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("id,title,vote_average\n1,A,7.5\n2,B,10\n")
    (tmp_path / "r.csv").write_text("user,movie\n1,1\n")
    for scale in (None, (0.0, 10.0)):
        config = FilesConfig(
            movies=FileTableConfig(path="m.csv", rating_scale=scale),
            interactions=FileTableConfig(path="r.csv"),
        )
        movies = FilesSource(config, tmp_path).read().movies
        assert movies[n.MEAN_RATING].tolist() == [3.75, 5.0]


def test_unparsable_values_have_a_companion(tmp_path: Path) -> None:
    tables = table(tmp_path, "user,movie,rating,ts\n1,1,good,never\n1,2,4,1700000000\n")
    rows = tables.interactions
    assert rows[n.raw(n.RATING)].tolist()[0] == "good"
    assert rows[n.raw(n.RATING)].isna().tolist() == [False, True]
    assert rows[n.raw(n.RATING)].dtype == "str"
    assert rows[n.raw(n.TIMESTAMP)].tolist()[0] == "never"
    assert rows[n.TIMESTAMP].isna().tolist() == [True, False]


def test_values_are_mapped(tmp_path: Path) -> None:
    tables = table(
        tmp_path,
        "user,movie,event,note,aime\n1,1, vue ,bien,bof\n1,2,clic,2,oui\n",
        values={"event_type": {"vue": "view"}, "rating": {"bien": 4}, "liked": {"bof": False}},
    )
    rows = tables.interactions
    assert rows[n.EVENT_TYPE].tolist() == ["view", "clic"]
    assert rows[n.RATING].tolist() == [4.0, 2.0]
    assert rows[n.LIKED].tolist() == [False, True]
