"""The French files: names, encoding, and that they hold the world's tables."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SetupError
from recsys_pipeline.simulation import (
    FRENCH_GENRES,
    FRENCH_SEGMENTS,
    World,
    WorldConfig,
    write_french_files,
)

WORLD = World(WorldConfig(users=150, movies=80, interactions=900))
HEADERS = {
    "utilisateurs.csv": "user_id,age,segment,genres_preferes,abonnement_mois,sessions_par_semaine",
    "films.csv": "movie_id,titre,genre_principal,annee,duree_minutes,note_moyenne,nb_votes",
    "interactions.csv": "user_id,movie_id,timestamp,a_aime,temps_visionne_pct,note_utilisateur",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("french") / "donnees" / "brutes"
    assert write_french_files(WORLD, folder) == [folder / name for name in HEADERS]
    return folder


@pytest.mark.parametrize("name", HEADERS)
def test_headers(folder: Path, name: str) -> None:
    assert (folder / name).read_text(encoding="utf-8").splitlines()[0] == HEADERS[name]


def test_users(folder: Path) -> None:
    users, ours = pd.read_csv(folder / "utilisateurs.csv"), WORLD.users()
    genres = users["genres_preferes"].map(ast.literal_eval)
    expected = [[FRENCH_GENRES[genre] for genre in row] for row in ours[n.PREFERRED_GENRES]]
    assert genres.tolist() == expected
    assert users["genres_preferes"].str.fullmatch(r"\['[\w-]+', '[\w-]+'\]").all()
    assert users["segment"].tolist() == ours[n.SEGMENT].map(FRENCH_SEGMENTS).tolist()
    assert set(users["segment"]) == {"Jeunes", "Adultes", "Seniors"}
    for theirs, name in [
        ("user_id", n.USER_ID),
        ("age", n.AGE),
        ("abonnement_mois", n.SUBSCRIPTION_MONTHS),
        ("sessions_par_semaine", n.SESSIONS_PER_WEEK),
    ]:
        assert users[theirs].tolist() == ours[name].tolist()


def test_movies(folder: Path) -> None:
    movies, ours = pd.read_csv(folder / "films.csv"), WORLD.movies()
    assert movies["genre_principal"].tolist() == [FRENCH_GENRES[one] for (one,) in ours[n.GENRES]]
    assert set(movies["genre_principal"]) == {
        *("Drame", "Comédie", "Thriller", "Romance", "Documentaire", "Horreur"),
        *("Action", "Animation", "Sci-Fi"),
    }
    for theirs, name in [
        ("movie_id", n.MOVIE_ID),
        ("titre", n.TITLE),
        ("annee", n.YEAR),
        ("duree_minutes", n.DURATION_MINUTES),
        ("note_moyenne", n.MEAN_RATING),
        ("nb_votes", n.RATING_COUNT),
    ]:
        assert movies[theirs].tolist() == ours[name].tolist()


def test_interactions(folder: Path) -> None:
    interactions, ours = pd.read_csv(folder / "interactions.csv"), WORLD.interactions()
    times = pd.to_datetime(interactions["timestamp"], format="%Y-%m-%d %H:%M:%S", utc=True)
    assert times.tolist() == ours[n.TIMESTAMP].tolist()
    assert interactions["a_aime"].tolist() == ours[n.LIKED].astype(int).tolist()
    assert interactions["temps_visionne_pct"].between(0.05, 1).all()
    for theirs, name in [
        ("user_id", n.USER_ID),
        ("movie_id", n.MOVIE_ID),
        ("temps_visionne_pct", n.WATCH_FRACTION),
        ("note_utilisateur", n.RATING),
    ]:
        assert interactions[theirs].tolist() == ours[name].tolist()


def test_as_of_ends_the_interactions(tmp_path: Path) -> None:
    as_of = pd.Timestamp("2023-03-01", tz="UTC")
    *_, path = write_french_files(WORLD, tmp_path, as_of)
    assert len(pd.read_csv(path)) == len(WORLD.interactions(as_of)) < 900


def test_writing_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_french_files(WORLD, tmp_path)
    paths = write_french_files(World(WORLD.config), tmp_path)
    assert [path.read_bytes() for path in paths] == [
        (folder / path.name).read_bytes() for path in paths
    ]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "taken"
    blocked.write_text("a file", encoding="utf-8")
    with pytest.raises(SetupError, match="taken cannot be written") as caught:
        write_french_files(WORLD, blocked)
    assert caught.value.hint
