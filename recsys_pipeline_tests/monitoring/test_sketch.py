"""Sketches: rows that were mixed up."""

import pandas as pd

from recsys_pipeline.contracts import MOVIES, PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.columns import column_shapes
from recsys_pipeline.monitoring.sketch import MOST_MOVIES, Sketch


def movies(size: int) -> pd.DataFrame:
    genres = [["Art", "War"] if number % 2 else ["Drama"] for number in range(size)]
    return pd.DataFrame(
        {
            n.MOVIE_ID: range(size),
            n.GENRES: pd.Series(genres, dtype=PANDAS_DTYPES[Kind.TEXTS]),
            n.DURATION_MINUTES: [60.0 + number for number in range(size)],
        }
    )


def sketch(table: pd.DataFrame, like: pd.DataFrame) -> Sketch:
    before = column_shapes(MOVIES, like, {})
    return Sketch.of(table, column_shapes(MOVIES, table, before))


def test_rows_that_were_mixed_up_show_though_the_table_is_distributed_as_before() -> None:
    table = movies(200)
    moved = table.assign(**{n.GENRES: table[n.GENRES].array.take([*range(1, 200), 0])})
    then, now = sketch(table, table), sketch(moved, table)
    assert now.changed(n.GENRES, then, number=False) == (200, 200)
    assert now.changed(n.DURATION_MINUTES, then, number=True) == (0, 200)
    assert now.changed("price", then, number=True) == (0, 0)


def test_the_order_of_a_list_is_no_change_and_neither_is_the_next_cell() -> None:
    table = movies(200)
    turned = pd.Series([each[::-1] for each in table[n.GENRES]], dtype=table[n.GENRES].dtype)
    later = table.assign(**{n.GENRES: turned, n.DURATION_MINUTES: table[n.DURATION_MINUTES] + 15})
    then, now = sketch(table, table), sketch(later, table)
    assert now.changed(n.GENRES, then, number=False) == (0, 200)
    assert now.changed(n.DURATION_MINUTES, then, number=True) == (0, 200)


def test_a_missing_value_is_neither_changed_nor_the_same() -> None:
    table = movies(10)
    some = table.assign(**{n.GENRES: table[n.GENRES].where(table[n.MOVIE_ID] > 3)})
    assert sketch(some, table).changed(n.GENRES, sketch(table, table), number=False) == (0, 6)


def test_a_catalogue_that_grows_keeps_most_of_its_sketch() -> None:
    small, large = movies(3_000), movies(3_300)
    then, now = sketch(small, small), sketch(large, small)
    assert len(then.movies) == len(now.movies) == MOST_MOVIES
    changed, both = now.changed(n.GENRES, then, number=False)
    assert changed == 0
    # One in eleven movies is new.
    assert 850 < both < 960
