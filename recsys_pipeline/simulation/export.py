"""The world as three CSV files with the names of a French streaming platform."""

from pathlib import Path
from typing import Final

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SetupError
from recsys_pipeline.simulation.world import World

FRENCH_SEGMENTS: Final = {"young": "Jeunes", "adult": "Adultes", "senior": "Seniors"}
"""French name of each segment."""

FRENCH_GENRES: Final = {
    "Action": "Action",
    "Animation": "Animation",
    "Sci-Fi": "Sci-Fi",
    "Drama": "Drame",
    "Comedy": "Comédie",
    "Thriller": "Thriller",
    "Romance": "Romance",
    "Documentary": "Documentaire",
    "Horror": "Horreur",
}
"""French name of each genre."""

_USERS: Final = {
    n.USER_ID: "user_id",
    n.AGE: "age",
    n.SEGMENT: "segment",
    n.PREFERRED_GENRES: "genres_preferes",
    n.SUBSCRIPTION_MONTHS: "abonnement_mois",
    n.SESSIONS_PER_WEEK: "sessions_par_semaine",
}
_MOVIES: Final = {
    n.MOVIE_ID: "movie_id",
    n.TITLE: "titre",
    n.GENRES: "genre_principal",
    n.YEAR: "annee",
    n.DURATION_MINUTES: "duree_minutes",
    n.MEAN_RATING: "note_moyenne",
    n.RATING_COUNT: "nb_votes",
}
_INTERACTIONS: Final = {
    n.USER_ID: "user_id",
    n.MOVIE_ID: "movie_id",
    n.TIMESTAMP: "timestamp",
    n.LIKED: "a_aime",
    n.WATCH_FRACTION: "temps_visionne_pct",
    n.RATING: "note_utilisateur",
}


def write_french_files(world: World, folder: Path, as_of: pd.Timestamp | None = None) -> list[Path]:
    """Write ``utilisateurs.csv``, ``films.csv`` and ``interactions.csv`` into `folder`.

    UTF-8 with commas. Preferred genres are a list in square brackets, such as
    ``['Drame', 'Romance']``; times are UTC without saying so; ``a_aime`` is 0 or 1;
    ``temps_visionne_pct`` is a share from 0 to 1 in spite of its name, as in the data that this
    imitates.

    Args:
        world: whose tables.
        folder: made if missing; files of those names in it are replaced.
        as_of: how far the interactions go; see `World.interactions`.

    Returns:
        the three paths, in that order.

    Raises:
        SetupError: the folder or a file in it cannot be written.
        ValueError, SettingsError: as `World.interactions` raises them.
    """
    tables = {
        "utilisateurs.csv": _french_users(world.users()),
        "films.csv": _french_movies(world.movies()),
        "interactions.csv": _french_interactions(world.interactions(as_of)),
    }
    paths = [folder / name for name in tables]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, table in zip(paths, tables.values(), strict=True):
            table.to_csv(
                path,
                index=False,
                encoding="utf-8",
                lineterminator="\n",
                date_format="%Y-%m-%d %H:%M:%S",
            )
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Choose a folder that you may write to.",
        ) from error
    return paths


def _french_users(users: pd.DataFrame) -> pd.DataFrame:
    genres = [
        str([FRENCH_GENRES[genre] for genre in preferred])
        for preferred in users[n.PREFERRED_GENRES]
    ]
    whole = users[n.SESSIONS_PER_WEEK].astype("int64")
    segments = users[n.SEGMENT].map(FRENCH_SEGMENTS)
    columns = {n.PREFERRED_GENRES: genres, n.SESSIONS_PER_WEEK: whole, n.SEGMENT: segments}
    return users.assign(**columns).rename(columns=_USERS)


def _french_movies(movies: pd.DataFrame) -> pd.DataFrame:
    genres = [FRENCH_GENRES[only] for (only,) in movies[n.GENRES]]
    whole = movies[n.RATING_COUNT].astype("int64")
    return movies.assign(**{n.GENRES: genres, n.RATING_COUNT: whole}).rename(columns=_MOVIES)


def _french_interactions(interactions: pd.DataFrame) -> pd.DataFrame:
    columns = {
        n.TIMESTAMP: interactions[n.TIMESTAMP].dt.tz_localize(None),
        n.LIKED: interactions[n.LIKED].astype("int8"),
    }
    return interactions.assign(**columns).rename(columns=_INTERACTIONS)
