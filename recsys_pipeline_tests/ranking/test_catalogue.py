"""Facts about the movies: counts, order of popularity, genres, and the genre mix of users."""

from pathlib import Path

import numpy as np
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking.catalogue import Catalogue


def test_facts_of_a_tiny_world(tiny: Dataset) -> None:
    catalogue = Catalogue.of(tiny)
    assert catalogue.genres.vocabulary == ("Drama", "War")
    assert catalogue.counts.tolist() == [1, 1, 2, 0]
    assert catalogue.popularity_rank.tolist() == [1, 2, 0, 3]
    assert catalogue.popular(0.5).tolist() == [True, False, True, False]
    assert catalogue.popular(0).tolist() == [False] * 4
    root = np.sqrt(0.5)
    np.testing.assert_allclose(
        catalogue.genre_directions.toarray(), [[1, 0], [root, root], [0, 1], [0, 0]], rtol=1e-6
    )
    assert catalogue.genre_shares.toarray().tolist() == [[1, 0], [0.5, 0.5], [0, 1], [0, 0]]


def test_taste_is_the_mix_of_the_history_else_of_what_is_preferred(tiny: Dataset) -> None:
    catalogue = Catalogue.of(tiny)
    # The first liked a drama; the second War, and Drama with War; the third nothing.
    assert catalogue.taste(tiny.batch()).tolist() == [[1, 0], [0.25, 0.75], [0, 0]]
    nothing = tiny.cut(np.zeros(len(tiny.events), bool), tiny.as_of)
    assert catalogue.taste(nothing.batch()).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert catalogue.taste(tiny.batch(np.array([], dtype=int))).shape == (0, 2)


def test_without_genres_there_is_no_taste(tiny: Dataset) -> None:
    plain = Dataset(
        tiny.users,
        tiny.items,
        tiny.events,
        tiny.profiles,
        tiny.movies.drop(columns=n.GENRES),
        tiny.as_of,
    )
    catalogue = Catalogue.of(plain)
    assert catalogue.taste(plain.batch()).shape == (3, 0)
    assert catalogue.genre_directions.shape == catalogue.genre_shares.shape == (4, 0)


def test_what_is_saved_is_loaded_and_equal_facts_are_equal_bytes(
    small: Dataset, tmp_path: Path
) -> None:
    catalogue = Catalogue.of(small)
    catalogue.save(tmp_path / "a")
    Catalogue.of(small).save(tmp_path / "b")
    loaded = Catalogue.load(tmp_path / "a")
    assert loaded.genres.vocabulary == catalogue.genres.vocabulary
    assert (loaded.genres.movies != catalogue.genres.movies).nnz == 0
    np.testing.assert_array_equal(loaded.counts, catalogue.counts)
    [first], [second] = ((tmp_path / name).iterdir() for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_damaged_file_is_named(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"catalogue\.npz"):
        Catalogue.load(tmp_path)
    Catalogue.of(tiny).save(tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot be read"):
        Catalogue.load(tmp_path)
