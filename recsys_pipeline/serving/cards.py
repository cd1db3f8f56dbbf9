"""Cards: what is said of a movie in every answer, and movies found by title."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray
from recsys_pipeline.data.genres import flat_lists
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.ranking.titles import titles_of


@dataclass(frozen=True)
class Cards:
    """The movies of a release as answers show them.

    Attributes:
        cards: for item j its id, title, genres and year (None where it is not known).
        titles: object ``(n_items,)``, the titles in small letters.
        genres: the genres that movies have, in ascending order.
        has_genre: bool ``(n_items, n_genres)``.
        years: float64 ``(n_items,)``, NaN where it is not known.
        texts: from an id as a text to its item.
    """

    cards: tuple[dict[str, Any], ...]
    titles: npt.NDArray[np.object_]
    genres: tuple[str, ...]
    has_genre: BoolArray
    years: npt.NDArray[np.float64]
    texts: dict[str, int]

    @classmethod
    def of(cls, movies: pd.DataFrame, items: IdMap) -> Self:
        """Of a catalogue whose row j is item j."""
        titles = titles_of(movies)
        count = len(movies)
        years = np.full(count, np.nan)
        if n.YEAR in movies.columns:
            years = movies[n.YEAR].to_numpy(dtype=np.float64, na_value=np.nan)
        named: list[list[str]] = [[] for _ in range(count)]
        genres: tuple[str, ...] = ()
        has = np.zeros((count, 0), dtype=bool)
        if n.GENRES in movies.columns:
            rows, texts = flat_lists(movies[n.GENRES])
            codes, found = pd.factorize(texts, sort=True)
            genres = tuple(found)
            has = np.zeros((count, len(genres)), dtype=bool)
            has[rows, codes] = True
            for row, text in zip(rows.tolist(), texts.tolist(), strict=True):
                named[row].append(text)
        ids = items.values.tolist()
        cards = tuple(
            {
                n.MOVIE_ID: ids[item],
                n.TITLE: str(titles[item]),
                n.GENRES: named[item],
                n.YEAR: None if np.isnan(years[item]) else int(years[item]),
            }
            for item in range(count)
        )
        small = np.array([str(title).casefold() for title in titles], dtype=object)
        return cls(cards, small, genres, has, years, {str(each): j for j, each in enumerate(ids)})

    def item(self, movie: str) -> int:
        """The item with that id as a text, −1 for an unknown one."""
        return self.texts.get(movie, -1)

    def genre(self, name: str) -> int:
        """The number of a genre, whatever its capitals; −1 for an unknown one."""
        wanted = name.strip().casefold()
        same = (number for number, each in enumerate(self.genres) if each.casefold() == wanted)
        return next(same, -1)

    def search(self, text: str, limit: int) -> list[int]:
        """Items whose title holds `text`, whatever its capitals: those that begin with it first."""
        wanted = text.strip().casefold()
        found = [item for item, title in enumerate(self.titles) if wanted in title]
        found.sort(key=lambda item: (not str(self.titles[item]).startswith(wanted), item))
        return found[:limit]
