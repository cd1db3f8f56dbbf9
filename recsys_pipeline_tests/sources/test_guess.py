"""`recsys init` understands files that it has never seen."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from recsys_pipeline.contracts import SOURCE_TABLES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.simulation import World, WorldConfig, write_french_files
from recsys_pipeline.sources import (
    FilesConfig,
    FilesSource,
    Guess,
    MovieLensConfig,
    MovieLensSource,
    SimulatedSource,
    Tables,
    guess,
    render_settings,
)
from recsys_pipeline.sources.vocabulary import translations
from recsys_pipeline.sources.wording import WORDS, compact

USERS_FR = """user_id,age,segment,genres_preferes,abonnement_mois,sessions_par_semaine
1,23.5,Jeunes,"['Action', 'Animation']",3.2,4
2,44.0,Adultes,"['Drame', 'Comédie']",12.9,6
3,61.3,Seniors,"['Romance', 'Documentaire']",40.1,2
"""
MOVIES_FR = """movie_id,titre,genre_principal,annee,duree_minutes,note_moyenne,nb_votes
10,Le Grand Bleu,Drame,1990,168,4.1,512
11,Rire,Comédie,2011,95.5,2.9,540
12,Terre,Documentaire,2020,88,3.7,498
13,Bruit,Action,2001,110,3.2,505
"""
EVENTS_FR = """user_id,movie_id,timestamp,a_aime,temps_visionne_pct,note_utilisateur
1,10,2023-01-05 10:00:00,1,0.95,4.5
1,13,2023-01-04 11:30:00,0,0.10,1.0
2,11,2023-03-05 12:00:00,1,0.60,4.0
3,12,2023-02-05 23:59:59,1,0.80,5.0
"""


def write(root: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return [Path(name) for name in files]


FRENCH = {"utilisateurs.csv": USERS_FR, "films.csv": MOVIES_FR, "interactions.csv": EVENTS_FR}


def read(found: Guess, root: Path) -> Tables:
    """The tables as read from what `render_settings` writes."""
    settings = tomllib.loads(render_settings(found))
    assert settings == found.settings
    config = FilesConfig.model_validate(settings["source"]["files"])
    return FilesSource(config, root).read()


def columns(found: Guess, table: str) -> dict[str, str]:
    mapped: dict[str, str] = found.settings["source"]["files"][table]["columns"]
    return mapped


def reasons(found: Guess) -> str:
    return "\n".join(item.reason for item in found.guessed)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_french_files_need_no_hand(tmp_path: Path, reverse: bool) -> None:
    paths = write(tmp_path, FRENCH)
    found = guess(paths[::-1] if reverse else paths, tmp_path)
    assert found.questions == ()
    assert found.first_event == pd.Timestamp("2023-01-04 11:30", tz="UTC")
    assert columns(found, "users") == {
        "user_id": "user_id",
        "age": "age",
        "segment": "segment",
        "preferred_genres": "genres_preferes",
        "subscription_months": "abonnement_mois",
        "sessions_per_week": "sessions_par_semaine",
    }
    assert columns(found, "movies") == {
        "movie_id": "movie_id",
        "title": "titre",
        "genres": "genre_principal",
        "year": "annee",
        "duration_minutes": "duree_minutes",
        "mean_rating": "note_moyenne",
        "rating_count": "nb_votes",
    }
    assert columns(found, "interactions") == {
        "user_id": "user_id",
        "movie_id": "movie_id",
        "timestamp": "timestamp",
        "liked": "a_aime",
        "watch_fraction": "temps_visionne_pct",
        "rating": "note_utilisateur",
    }
    tables = read(found, tmp_path)
    assert tables.users[n.SEGMENT].tolist() == ["young", "adult", "senior"]
    assert tables.users[n.PREFERRED_GENRES].tolist()[1:] == [
        ["Drama", "Comedy"],
        ["Romance", "Documentary"],
    ]
    assert tables.movies[n.GENRES].tolist() == [["Drama"], ["Comedy"], ["Documentary"], ["Action"]]
    assert tables.interactions[n.RATING].tolist() == [4.5, 1.0, 4.0, 5.0]
    assert tables.interactions[n.LIKED].tolist() == [True, False, True, True]
    assert tables.interactions[n.WATCH_FRACTION].tolist() == [0.95, 0.1, 0.6, 0.8]
    text = reasons(found)
    assert "column `note_utilisateur` → rating: name means rating in French, values 1 to 5" in text


def test_an_exported_world_comes_back_as_it_was(tmp_path: Path) -> None:
    config = WorldConfig(users=300, movies=80, interactions=2_000)
    write_french_files(World(config), tmp_path)
    tables = read(guess([Path()], tmp_path), tmp_path)
    expected = SimulatedSource(config).read()
    for contract in SOURCE_TABLES:
        assert_frame_equal(
            tables.table(contract.name).drop(columns=[n.SOURCE_FILE, n.SOURCE_ROW]),
            expected.table(contract.name).drop(columns=[n.SOURCE_FILE, n.SOURCE_ROW]),
        )


def test_english_files_of_a_shop(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "a.csv": "event_time,event_type,product_id,customer_id,price\n"
            "2019-10-01 00:00:00 UTC,view,44600062,541312140,35.79\n"
            "2019-10-02 00:00:00 UTC,cart,3900821,554748717,33.20\n",
            "b.csv": "product_id,name,categories\n44600062,Lamp,a|b\n3900821,Chair,b\n",
        },
    )
    found = guess(paths, tmp_path)
    assert columns(found, "interactions") == {
        "user_id": "customer_id",
        "movie_id": "product_id",
        "timestamp": "event_time",
        "event_type": "event_type",
    }
    assert found.settings["source"]["files"]["movies"]["list_separator"] == "|"
    assert "column `price` is carried along as a feature" in reasons(found)
    assert any("No file of users" in question for question in found.questions)
    tables = read(found, tmp_path)
    assert tables.movies[n.GENRES].tolist() == [["a", "b"], ["b"]]
    assert tables.interactions["price"].tolist() == [35.79, 33.20]


def test_units_scales_separators_and_encodings_are_written_down(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_bytes(
        "utilisateur;film;note;horodatage;temps_visionne_pct;évaluateur\n"
        "1;10;7,5;1700000000000;55;été\n2;11;10;1700000500000;100;été\n3;12;1;1700000900000;5;été\n"
        .encode("cp1252")
    )  # fmt: skip
    found = guess([Path("notes.csv")], tmp_path)
    settings = found.settings["source"]["files"]["interactions"]
    assert settings["separator"] == ";"
    assert settings["encoding"] == "cp1252"
    assert settings["time_unit"] == "ms"
    assert settings["rating_scale"] == [1.0, 10.0]
    assert settings["watch_scale"] == [0.0, 100.0]
    rows = read(found, tmp_path).interactions
    assert rows[n.RATING].tolist() == [3.75, 5.0, 0.5]
    assert rows[n.TIMESTAMP][0] == pd.Timestamp(1700000000, unit="s", tz="UTC")


def test_the_order_of_days_is_written_down(tmp_path: Path) -> None:
    write(tmp_path, {"r.csv": "user,movie,date\n1,1,04/13/2024\n2,2,03/04/2024\n"})
    found = guess([Path("r.csv")], tmp_path)
    assert found.settings["source"]["files"]["interactions"]["day_first"] is False
    assert found.first_event == pd.Timestamp("2024-03-04", tz="UTC")
    write(tmp_path, {"r.csv": "user,movie,date\n1,1,04/11/2024\n2,2,03/04/2024\n"})
    assert any("day_first" in question for question in guess([Path("r.csv")], tmp_path).questions)


def test_ids_with_unknown_names_are_found_by_their_values(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "people.csv": "user_id,age\nu1,20\nu2,30\n",
            "catalogue.csv": "movie_id,title\nm1,A\nm2,B\n",
            "log.csv": "who,what,when\nu1,m1,x\nu1,m2,y\nu2,m1,z\n",
        },
    )
    found = guess(paths, tmp_path)
    assert columns(found, "interactions") == {"user_id": "who", "movie_id": "what"}
    assert "its values are ids of people.csv" in reasons(found)


def test_id_means_what_the_table_is(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "x.csv": "id,title,genre\n1,A,Drama\n2,B,Comedy\n",
            "y.csv": "id,age,country\n7,20,FR\n8,30,BE\n",
            "z.csv": "uid,iid,rating\n7,1,3\n8,2,4\n7,2,5\n",
        },
    )
    found = guess(paths, tmp_path)
    assert found.settings["source"]["files"]["users"]["path"] == "y.csv"
    assert found.settings["source"]["files"]["movies"]["path"] == "x.csv"
    assert found.questions == ()


def test_parts_in_a_folder_are_one_table(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "d/e/r1.csv": "user,movie\n1,1\n",
            "d/e/r2.csv": "user,movie\n2,2\n",
            "d/e/README.md": "x",
            "d/u.csv": "user_id,age\n1,3\n2,4\n",
        },
    )
    found = guess([Path("d/e"), Path("d/u.csv")], tmp_path)
    assert found.settings["source"]["files"]["interactions"]["path"] == "d/e"
    found = guess([Path("d/e/r1.csv"), Path("d/e/r2.csv")], tmp_path)
    paths = found.settings["source"]["files"]["interactions"]["path"]
    assert paths == ["d/e/r1.csv", "d/e/r2.csv"]
    assert len(read(found, tmp_path).interactions) == 2


def test_files_that_are_not_used_are_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "ratings.csv": "user,movie,rating,ts\n1,1,3,1700000000\n2,2,4,1700000000\n",
            "tags.csv": "user,movie,tag\n1,1,x\n",
            "notes.txt": "nothing here\nto see\n",
            "broken.csv": "a,b\n1,2,3\n",
        },
    )
    found = guess([Path()], tmp_path)
    assert found.settings["source"]["files"]["interactions"]["path"] == "ratings.csv"
    text = "\n".join(found.questions)
    for name in ("tags.csv", "notes.txt", "broken.csv"):
        assert name in text


def test_ids_that_do_not_match_are_a_question(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {"u.csv": "user_id,age\n1,3\n2,4\n", "r.csv": "user_id,movie_id\n8,1\n9,2\n8,2\n"},
    )
    text = "\n".join(guess(paths, tmp_path).questions)
    assert "u.csv may be the wrong users: only 0% of the user_id values" in text


def test_values_that_do_not_fit_the_column_are_a_question(tmp_path: Path) -> None:
    paths = write(tmp_path, {"r.csv": "user,movie,score\n1,1,good\n2,2,bad\n"})
    text = "\n".join(guess(paths, tmp_path).questions)
    assert "100% of the values of column `score` (rating) cannot be read as number" in text


def test_genres_are_brought_to_one_spelling(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "users.csv": "user_id,favorite_genres\n1,sci fi|DRAME\n2,drame\n",
            "movies.csv": "movie_id,genres\n1,Sci-Fi\n2,Drama\n",
            "r.csv": "user,movie\n1,1\n2,2\n",
        },
    )
    tables = read(guess(paths, tmp_path), tmp_path)
    assert tables.users[n.PREFERRED_GENRES].tolist() == [["Sci-Fi", "Drama"], ["Drama"]]


def test_movielens_is_recognised(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "ml/ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
            "ml/movies.csv": "movieId,title,genres\n1,Toy Story (1995),Adventure\n",
        },
    )
    found = guess([Path("ml")], tmp_path)
    assert found.settings == {"source": {"kind": "movielens", "movielens": {"path": "ml"}}}
    assert found.first_event == pd.Timestamp(964982703, unit="s", tz="UTC")
    settings = tomllib.loads(render_settings(found))
    config = MovieLensConfig.model_validate(settings["source"]["movielens"])
    assert len(MovieLensSource(config, tmp_path).read().movies) == 1


def test_nothing_that_can_be_guessed(tmp_path: Path) -> None:
    write(tmp_path, {"x.csv": "a,b\n1,2\n", "empty/README.md": "x"})
    with pytest.raises(SourceError, match=r"No file has both a column of users .*x.csv: a, b"):
        guess([Path("x.csv")], tmp_path)
    with pytest.raises(SourceError, match="does not exist"):
        guess([Path("y.csv")], tmp_path)
    with pytest.raises(SourceError, match="No table was found"):
        guess([Path("empty")], tmp_path)
    with pytest.raises(SourceError, match="No files were named"):
        guess([], tmp_path)


@given(st.text(), st.text(min_size=1), st.sampled_from([True, 3, 2.5, ["x", "\x7f"]]))
def test_rendered_settings_parse_to_the_same(text: str, key: str, value: object) -> None:
    text, key = (item.encode("utf-8", "ignore").decode() for item in (text, key + "k"))
    table = {"path": text, "day_first": value, "values": {"segment": {key: text, "b": value}}}
    settings = {"source": {"kind": "files", "files": {"users": table}}}
    found = Guess(settings, (), (text,), None)
    assert tomllib.loads(render_settings(found)) == settings


def test_every_usual_name_means_one_thing_per_table() -> None:
    for table, known in WORDS.items():
        seen: dict[str, str] = {}
        for canonical, languages in known.items():
            for word in {compact(word) for text in languages for word in text.split()}:
                assert seen.setdefault(word, canonical) == canonical, f"{table}: {word}"


def test_only_french_values_are_translated() -> None:
    assert USERS.column(n.SEGMENT).name == n.SEGMENT
    assert translations(n.GENRES, ["Drama", "Suspense", "Science-Fiction"]) == {}
    assert translations(n.GENRES, ["Drame", "Suspense"]) == {
        "Drame": "Drama",
        "Suspense": "Thriller",
    }
    assert translations(n.OCCUPATION, ["enfants"]) == {}
