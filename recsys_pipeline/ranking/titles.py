"""Titles of movies, for people."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n


def titles_of(movies: pd.DataFrame) -> npt.NDArray[np.object_]:
    """A title for every movie; where there is none, "Movie" and its id. Object ``(n_items,)``."""
    named = "Movie " + movies[n.MOVIE_ID].astype("str")
    if n.TITLE in movies.columns:
        named = movies[n.TITLE].astype("str").where(movies[n.TITLE].notna(), named)
    return np.asarray(named, dtype=object)
