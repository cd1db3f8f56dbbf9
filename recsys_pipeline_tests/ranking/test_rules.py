"""Business rules: what they allow, and that a rule that cannot mean anything is refused."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.ranking.config import BoostConfig, FilterConfig, RulesConfig
from recsys_pipeline.ranking.rules import Rules


def made(data: Dataset, **rules) -> Rules:
    movies = data.movies.assign(
        country=pd.Series(["FR", "US", None, "FR"], dtype="str"),
        studio=pd.Series([7.0, 8.5, 7.0, np.nan]),
        dubbed=pd.array([True, False, None, True], dtype="boolean"),
    )
    return Rules.of(RulesConfig.model_validate(rules), movies, data.items)


def test_no_rules_allow_everything(tiny: Dataset) -> None:
    rules = made(tiny)
    assert rules.allowed is None
    assert rules.factors is None
    assert rules.max_per_genre is None
    assert rules.notes == ()
    assert not rules.blocks(pd.Index([1, 2])).any()


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({"blocked_movies": [10, "40"]}, [False, True, True, False]),
        ({"only": [{"column": "genres", "values": ["War"]}]}, [False, True, True, False]),
        ({"exclude": [{"column": "genres", "values": ["War"]}]}, [True, False, False, True]),
        ({"only": [{"column": "country", "values": ["FR", "US"]}]}, [True, True, False, True]),
        ({"exclude": [{"column": "country", "values": ["US"]}]}, [True, False, True, True]),
        ({"only": [{"column": "year", "minimum": 2010}]}, [False, True, True, False]),
        ({"only": [{"column": "year", "maximum": 2010}]}, [True, True, False, False]),
        (
            {"exclude": [{"column": "year", "minimum": 2001, "maximum": 2019}]},
            [True, False, True, True],
        ),
        ({"only": [{"column": "year", "values": [2000]}]}, [True, False, False, False]),
        ({"only": [{"column": "studio", "values": [7]}]}, [True, False, True, False]),
        ({"only": [{"column": "studio", "values": [8.5]}]}, [False, True, False, False]),
        ({"only": [{"column": "dubbed", "values": [True]}]}, [True, False, False, True]),
        (
            {
                "only": [
                    {"column": "genres", "values": ["Drama"]},
                    {"column": "country", "values": ["US"]},
                ]
            },
            [False, True, False, False],
        ),
    ],
)
def test_what_is_allowed(tiny: Dataset, rule, allowed: list[bool]) -> None:
    found = made(tiny, **rule)
    assert found.allowed is not None
    assert found.allowed.tolist() == allowed
    assert found.notes == (f"Rules leave {sum(allowed)} of 4 movies.",)


def test_boosts_multiply_and_a_probability_is_one_at_most(tiny: Dataset) -> None:
    rules = made(
        tiny,
        boosts=[
            {"column": "genres", "value": "Drama", "factor": 2},
            {"movie_id": 20, "factor": 0.25},
        ],
    )
    assert rules.factors is not None
    assert rules.factors.tolist() == [2, 0.5, 1, 1]
    items = np.array([[0, 1, 3, -1]], dtype=np.int32)
    given = np.array([[0.75, 0.5, 0.5, 0]], dtype=np.float32)
    assert rules.boosted(items, given).tolist() == [[1, 0.25, 0.5, 0]]
    assert given.tolist() == [[0.75, 0.5, 0.5, 0]]
    plain = made(tiny)
    assert plain.boosted(items, given) is not given
    assert plain.boosted(items, given).tolist() == given.tolist()


def test_blocked_users_are_found_by_any_spelling_of_their_id(tiny: Dataset) -> None:
    rules = made(tiny, blocked_users=[2, "x7"])
    assert rules.blocks(pd.Index([1, 2, 3])).tolist() == [False, True, False]
    assert rules.blocks(["2", "x7", "7"]).tolist() == [True, True, False]
    assert rules.blocks([]).tolist() == []
    assert rules.notes == ("2 blocked users get no list.",)


def test_text_ids(tiny: Dataset) -> None:
    items = IdMap.of(["007", "12", "a", "b"])
    rules = Rules.of(RulesConfig(blocked_movies=("007", 12)), tiny.movies, items)
    assert rules.allowed is not None
    assert rules.allowed.tolist() == [False, False, True, True]
    with pytest.raises(SettingsError, match="'7'"):
        Rules.of(RulesConfig.model_validate(BOOST_SEVEN), tiny.movies, items)


BOOST_SEVEN = {"boosts": [{"movie_id": 7, "factor": 2}]}


def test_a_blocked_movie_that_has_left_the_catalogue_blocks_nothing(tiny: Dataset) -> None:
    rules = made(tiny, blocked_movies=[10, 99, "no"])
    assert rules.allowed is not None
    assert rules.allowed.sum() == tiny.n_items - 1
    assert "rules.blocked_movies names 2 movies that nobody has." in rules.notes


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"boosts": [{"movie_id": 5, "factor": 2}]}, r"rules\.boosts\[0\] names '5'"),
        (
            {"only": [{"column": "genre", "values": ["War"]}]},
            r"rules\.only\[0\].*no column 'genre'(.|\n)*movie_id, genres, year",
        ),
        (
            {"exclude": [{"column": "genres", "values": ["Dramma"]}]},
            r"rules\.exclude\[0\].*genres = 'Dramma'(.|\n)*Did you mean 'Drama'",
        ),
        (
            {"boosts": [{"column": "country", "value": "Atlantis", "factor": 2}]},
            r"Atlantis(.|\n)*'FR', 'US'",
        ),
        ({"only": [{"column": "genres", "minimum": 3}]}, "holds no numbers"),
        ({"only": [{"column": "year", "minimum": 2100}]}, "none of the 4 movies"),
    ],
)
def test_what_cannot_be_meant_is_refused(tiny: Dataset, rule, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        made(tiny, **rule)


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor": 2},
        {"column": n.GENRES, "factor": 2},
        {"value": "War", "factor": 2},
        {"column": n.GENRES, "value": "War", "movie_id": 3, "factor": 2},
        {"column": n.GENRES, "movie_id": 3, "factor": 2},
        {"movie_id": 3, "factor": 0},
        {"movie_id": 3, "factor": 11},
        {"movie_id": 3},
    ],
)
def test_a_boost_names_one_thing_and_a_factor(wrong) -> None:
    with pytest.raises(ValidationError):
        BoostConfig.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"column": n.YEAR},
        {"column": n.YEAR, "values": []},
        {"column": n.YEAR, "values": [2000], "minimum": 1999},
        {"column": n.YEAR, "minimum": 2, "maximum": 1},
        {"values": [2000]},
    ],
)
def test_a_filter_has_values_or_a_range(wrong) -> None:
    with pytest.raises(ValidationError):
        FilterConfig.model_validate(wrong)
