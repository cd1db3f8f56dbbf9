"""Every edition of MovieLens is recognised by its files."""

from pathlib import Path

import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SourceError
from recsys_pipeline.sources import MovieLensConfig, MovieLensSource, Tables
from recsys_pipeline.sources.titles import split_title

NEWEST = pd.Timestamp(978300760, unit="s", tz="UTC")


def write_latest(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n2,2,0.5,978300760\n"
    )
    (folder / "movies.csv").write_text(
        'movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n2,"Matrix, The (1999)",'
        "(no genres listed)\n3,Untitled,Drama\n"
    )
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,1,pixar,1\n")


def write_100k(folder: Path) -> None:
    (folder / "u.data").write_text("196\t242\t3\t881250949\n186\t1\t5\t978300760\n")
    flags = {1: "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0", 242: "1" + "|0" * 18}
    titles = {1: "Toy Story (1995)", 242: "Misérables, Les (1995)"}
    (folder / "u.item").write_bytes(
        "".join(
            f"{key}|{titles[key]}|01-Jan-1995||http://x|{flags[key]}\n" for key in flags
        ).encode("latin-1")
    )
    (folder / "u.user").write_text("196|49|M|writer|55105\n186|39|F|executive|00000\n")


def write_1m(folder: Path) -> None:
    (folder / "ratings.dat").write_text("1::1193::5::978300760\n2::661::3::978302109\n")
    (folder / "movies.dat").write_bytes(
        "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n"
        '661::Cité: a "Film", La (1996)::Animation|Children\'s\n'.encode("latin-1")
    )
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")


def read(folder: Path) -> Tables:
    return MovieLensSource(MovieLensConfig(path=folder.name), folder.parent).read()


def test_latest(tmp_path: Path) -> None:
    write_latest(tmp_path)
    tables = read(tmp_path)
    movies = tables.movies
    assert movies[n.TITLE].tolist() == ["Toy Story", "The Matrix", "Untitled"]
    assert movies[n.YEAR].tolist() == [1995, 1999, pd.NA]
    assert movies[n.GENRES].tolist() == [["Adventure", "Animation"], pd.NA, ["Drama"]]
    assert tables.users[n.USER_ID].tolist() == [1, 2]
    assert tables.interactions[n.RATING].tolist() == [4.0, 0.5]
    assert tables.interactions[n.TIMESTAMP].max() == NEWEST


def test_100k(tmp_path: Path) -> None:
    write_100k(tmp_path)
    tables = read(tmp_path)
    assert tables.movies[n.TITLE].tolist() == ["Toy Story", "Les Misérables"]
    assert tables.movies[n.GENRES].tolist() == [["Animation", "Children's", "Comedy"], pd.NA]
    assert tables.users[n.OCCUPATION].tolist() == ["writer", "executive"]
    assert tables.users[n.AGE].tolist() == [49.0, 39.0]
    assert tables.users["zip_code"].tolist() == ["55105", "00000"]
    assert tables.interactions[n.SOURCE_ROW].tolist() == [1, 2]
    assert set(tables.movies.columns) == {
        n.MOVIE_ID, n.TITLE, n.GENRES, n.YEAR, n.SOURCE_FILE, n.SOURCE_ROW,
    }  # fmt: skip


def test_1m(tmp_path: Path) -> None:
    write_1m(tmp_path)
    tables = read(tmp_path)
    assert tables.movies[n.TITLE].tolist() == [
        "One Flew Over the Cuckoo's Nest",
        'La Cité: a "Film"',
    ]
    assert tables.movies[n.GENRES].tolist() == [["Drama"], ["Animation", "Children's"]]
    assert tables.users[n.AGE].tolist() == [15.0, 60.0]
    assert tables.users[n.OCCUPATION].tolist() == ["school student", "self-employed"]
    assert tables.interactions[n.USER_ID].tolist() == [1, 2]


def test_1m_without_users_is_10m(tmp_path: Path) -> None:
    write_1m(tmp_path)
    (tmp_path / "users.dat").unlink()
    assert read(tmp_path).users[n.USER_ID].tolist() == [1, 2]


@pytest.mark.parametrize("write", [write_latest, write_100k, write_1m])
def test_times_and_fingerprint(tmp_path: Path, write: object) -> None:
    assert callable(write)
    write(tmp_path)
    source = MovieLensSource(MovieLensConfig(path=str(tmp_path)), Path("elsewhere"))
    assert source.newest_event(NEWEST) == NEWEST
    assert source.newest_event(pd.Timestamp("1970-01-02", tz="UTC")) is None
    oldest, newest = source.oldest_event(), source.newest_event()
    assert oldest is not None
    assert newest is not None
    assert oldest < newest
    before = source.fingerprint()
    for name in ("ratings.csv", "u.data", "ratings.dat"):
        if (tmp_path / name).exists():
            (tmp_path / name).write_text((tmp_path / name).read_text() * 2)
    assert source.fingerprint() != before
    assert source.description.startswith("MovieLens: ")


def test_a_folder_within_the_folder_is_found(tmp_path: Path) -> None:
    write_latest(tmp_path / "ml" / "ml-latest-small")
    assert read(tmp_path / "ml").users[n.USER_ID].tolist() == [1, 2]


def test_folders_that_hold_no_edition(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,film\n1,2\n")
    (tmp_path / "movies.csv").write_text("film\n2\n")
    with pytest.raises(SourceError, match=r"no MovieLens data set \(it holds movies.csv, ratings"):
        read(tmp_path)
    with pytest.raises(SourceError, match="is not there"):
        read(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="is a file, not a folder"):
        read(tmp_path / "movies.csv")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Heat (1995)", ("Heat", "1995")),
        ("Lost Children, The (Cité, La) (1995)", ("The Lost Children (Cité, La)", "1995")),
        ("Avventura, L' (1960)", ("L'Avventura", "1960")),
        ("Babylon 5 (1994-1998)", ("Babylon 5", "1994")),
        ("Fawlty Towers (1975\u20131979) ", ("Fawlty Towers", "1975")),
        ("2001 (draft)", ("2001 (draft)", "")),
        ("Paris, France (1993)", ("Paris, France", "1993")),
    ],
)
def test_titles(title: str, expected: tuple[str, str]) -> None:
    assert split_title(title) == expected
