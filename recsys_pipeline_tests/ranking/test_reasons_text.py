"""The words of reasons, in each language."""

from string import Formatter

import numpy as np
import pytest

from recsys_pipeline.contracts import USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.ranking.reasons_evidence import Evidence, Reason
from recsys_pipeline.ranking.reasons_text import (
    AGES,
    AND,
    COLUMNS,
    PHRASES,
    PLACES,
    QUOTED,
    Language,
    sentence,
)
from recsys_pipeline.ranking.reranking import EXPLORATION, KINDS, PERSONAL, SERENDIPITY

TITLES = np.array(["Heat", "Léon", "Up"], dtype=object)
LANGUAGES: tuple[Language, ...] = ("en", "fr")


def one(kind: Reason, *, movies=(), column=None, value=None) -> Evidence:
    evidence = Evidence.of_nothing(np.zeros((1, 1), dtype=np.int32), 3)
    evidence.kinds[0, 0] = kind
    evidence.movies[0, 0, : len(movies)] = movies
    evidence.columns[0, 0] = column
    evidence.values[0, 0] = value
    return evidence


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_says_everything_with_the_same_blanks() -> None:
    for table in (PHRASES, PLACES, QUOTED, AND, AGES, COLUMNS):
        assert tuple(table) == LANGUAGES
    for language in LANGUAGES:
        assert set(PHRASES[language]) == set(Reason)
        assert len(PLACES[language]) == len(KINDS)
        assert set(COLUMNS[language]) == set(COLUMNS["en"]) <= set(USERS.column_names)
        for kind in Reason:
            assert placeholders(PHRASES[language][kind]) == placeholders(PHRASES["en"][kind])
            assert bool(PHRASES[language][kind]) == (kind != Reason.NONE)
        assert all(placeholders(text) == {"reason"} for text in PLACES[language])
        assert len(set(PHRASES[language].values())) == len(Reason)


@pytest.mark.parametrize(
    ("evidence", "english", "french"),
    [
        (one(Reason.NONE), "", ""),
        (
            one(Reason.MOVIES_LIKED, movies=[1]),
            "because you liked “Léon”",
            "parce que vous avez aimé « Léon »",
        ),
        (
            one(Reason.MOVIES_LIKED, movies=[0, 2]),
            "because you liked “Heat” and “Up”",
            "parce que vous avez aimé « Heat » et « Up »",
        ),
        (
            one(Reason.MOVIES_MET, movies=[0, 1, 2]),
            "based on “Heat”, “Léon” and “Up” in your history",
            "d'après « Heat », « Léon » et « Up » dans votre historique",
        ),
        (
            one(Reason.PREFERRED_GENRE, column=n.PREFERRED_GENRES, value="Drama"),
            "Drama, a genre you prefer",
            "Drama, un genre que vous préférez",
        ),
        (
            one(Reason.AGE, column=n.AGE, value=(25.4, 44.2)),
            "popular with people aged 25–45",
            "populaire auprès des 25–45 ans",
        ),
        (
            one(Reason.AGE, column=n.AGE, value=(65.0, None)),
            "popular with people aged 65 and over",
            "populaire auprès des 65 ans et plus",
        ),
        (
            one(Reason.AGE, column=n.AGE, value=(None, 17.6)),
            "popular with people aged 18 and under",
            "populaire auprès des 18 ans et moins",
        ),
        (
            one(Reason.COLUMN, column=n.OCCUPATION, value="writer"),
            "popular with people like you (occupation: writer)",
            "populaire auprès de ceux qui vous ressemblent (profession: writer)",
        ),
        (
            one(Reason.COLUMN, column=n.SESSIONS_PER_WEEK, value=(1.0, 2.0)),
            "popular with people like you (visits per week)",
            "populaire auprès de ceux qui vous ressemblent (visites par semaine)",
        ),
        (
            one(Reason.COLUMN, column="studio", value=None),
            "popular with people like you (studio)",
            "populaire auprès de ceux qui vous ressemblent (studio)",
        ),
        (one(Reason.NEW, value="Drama"), "new here, matches Drama", "nouveau ici, proche de Drama"),
        (one(Reason.POPULAR), "popular with everybody", "populaire auprès de tous"),
    ],
)  # fmt: skip
def test_sentences(evidence: Evidence, english: str, french: str) -> None:
    assert sentence(evidence, TITLES, "en").tolist() == [[english]]
    assert sentence(evidence, TITLES, "fr").tolist() == [[french]]


@pytest.mark.parametrize(
    ("place", "english", "french"),
    [
        (PERSONAL, "popular in FR", "populaire dans votre pays (FR)"),
        (
            SERENDIPITY,
            "outside your usual: popular in FR",
            "hors de vos habitudes : populaire dans votre pays (FR)",
        ),
        (
            EXPLORATION,
            "something new for you: popular in FR",
            "une découverte pour vous : populaire dans votre pays (FR)",
        ),
    ],
)
def test_the_kind_of_place_stands_before_the_reason(place: int, english: str, french: str) -> None:
    evidence = one(Reason.COUNTRY, column=n.COUNTRY, value="FR")
    kinds = np.array([[place]], dtype=np.uint8)
    assert sentence(evidence, TITLES, "en", kinds).tolist() == [[english]]
    assert sentence(evidence, TITLES, "fr", kinds).tolist() == [[french]]


def test_no_movie_has_no_words_whatever_its_place() -> None:
    kinds = np.array([[EXPLORATION]], dtype=np.uint8)
    assert sentence(one(Reason.NONE), TITLES, "en", kinds).tolist() == [[""]]
    nobody = Evidence.of_nothing(np.zeros((0, 4), dtype=np.int32), 2)
    assert sentence(nobody, TITLES, "fr").shape == (0, 4)


def test_braces_in_titles_and_values_are_left_alone() -> None:
    titles = np.array(["{movies} {0}"], dtype=object)
    found = sentence(one(Reason.MOVIES_LIKED, movies=[0]), titles, "en")
    assert found.tolist() == [["because you liked “{movies} {0}”"]]
