"""Lists of texts as matrices."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import PANDAS_DTYPES, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.genres import GenreTable, flat_lists, multi_hot

TEXTS = PANDAS_DTYPES[Kind.TEXTS]
LISTS = st.lists(
    st.one_of(st.none(), st.lists(st.one_of(st.none(), st.sampled_from("abcd")), max_size=4)),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(LISTS)
def test_flat_lists_and_multi_hot_agree_with_a_loop(lists: list) -> None:
    values = pd.Series(lists, dtype=TEXTS)
    rows, texts = flat_lists(values)
    said = [(i, text) for i, each in enumerate(lists) for text in each or () if text is not None]
    assert list(zip(rows.tolist(), texts.tolist(), strict=True)) == said
    matrix = multi_hot(values, ["a", "b", "c"]).toarray()
    expected = [[float(text in (each or ())) for text in "abc"] for each in lists]
    assert matrix.tolist() == expected
    assert matrix.dtype == np.float32


def test_movies_and_users_share_a_vocabulary() -> None:
    movies = pd.DataFrame({n.GENRES: pd.Series([["War", "Drama"], None, ["Comedy"]], dtype=TEXTS)})
    users = pd.DataFrame({n.PREFERRED_GENRES: pd.Series([["War", "Opera"], []], dtype=TEXTS)})
    table = GenreTable.of(movies)
    assert table.vocabulary == ("Comedy", "Drama", "War")
    assert table.movies.toarray().tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert table.preferred(users).toarray().tolist() == [[0, 0, 1], [0, 0, 0]]
    assert table.first(movies).tolist() == [2, -1, 0]


def test_without_genres_there_is_no_vocabulary() -> None:
    movies = pd.DataFrame({n.MOVIE_ID: [1, 2]})
    table = GenreTable.of(movies)
    assert table.vocabulary == ()
    assert table.movies.shape == (2, 0)
    assert table.first(movies).tolist() == [-1, -1]
    assert table.preferred(pd.DataFrame({n.USER_ID: [1]})).shape == (1, 0)
    everywhere_missing = pd.DataFrame({n.GENRES: pd.Series([None, None], dtype=TEXTS)})
    assert GenreTable.of(everywhere_missing).vocabulary == ()
