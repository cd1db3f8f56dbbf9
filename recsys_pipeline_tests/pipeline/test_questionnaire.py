"""What somebody new can answer, and what is refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import USERS, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.questionnaire import _READ, Answers, recommend_for
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.ranking.released import ReleasedModel


@pytest.fixture(scope="module")
def model(tables, as_of, make_learning) -> ReleasedModel:
    """A model that ranks by profile; the users have three columns beyond the contract."""
    number = np.arange(len(tables.users))
    hobbies = pd.Series([["chess", "go"] if each % 2 else ["golf"] for each in number])
    users = tables.users.assign(tier=number % 4, plan=np.where(number % 3, "gold", "free"))
    users = users.assign(hobbies=hobbies.to_numpy())
    learning = make_learning(
        {"recommenders": {"use": ["profile"]}, "ranker": {"kind": "none"}, "primary": "profile"}
    )
    cleaned = prepare(replace(tables, users=users), as_of, learning)
    cuts = load_cuts(cleaned.users, cleaned.movies, cleaned.interactions, learning, as_of)
    return train(cuts, make_feature_matrix(cuts, learning), learning, str).released


def listed(model: ReleasedModel, *genres: str, **profile: object) -> pd.DataFrame:
    return recommend_for(model, Answers((), genres, profile), 5, "r")


def test_a_list_may_be_one_text_with_commas(model):
    genres = model.catalogue.genres.vocabulary[:2]
    typed = listed(model, preferred_genres=f" {genres[0]} ,{genres[1]},")
    pd.testing.assert_frame_equal(typed, listed(model, preferred_genres=[*genres]))
    pd.testing.assert_frame_equal(typed, listed(model, genres[1], preferred_genres=genres[0]))
    assert not typed.equals(listed(model))


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        ("tier", "3", 3.0),
        ("plan", "gold", "gold"),
        ("hobbies", "chess, go", ["chess", "go"]),
        (n.AGE, "30", 30.0),
    ],
)
def test_what_the_model_was_fitted_on_can_be_answered(model, name, typed, meant):
    found = listed(model, **{name: typed})
    pd.testing.assert_frame_equal(found, listed(model, **{name: meant}))
    assert not found[n.SCORE].equals(listed(model)[n.SCORE])


def test_a_column_of_the_contract_that_the_model_lacks_changes_nothing(model):
    pd.testing.assert_frame_equal(listed(model, country="France"), listed(model))


@pytest.mark.parametrize("name", [n.USER_ID, "agee", "tier2", n.SOURCE_FILE])
def test_what_nobody_asked_is_refused_with_what_is_known(model, name):
    with pytest.raises(SettingsError, match=f"'{name}' is nothing that is asked") as refused:
        listed(model, **{name: "7"})
    for known in (n.AGE, n.PREFERRED_GENRES, "tier", "plan", "hobbies"):
        assert known in refused.value.hint
    assert n.USER_ID not in refused.value.hint
    assert n.HISTORY_LENGTH not in refused.value.hint


@pytest.mark.parametrize(
    "name", [n.HISTORY_LENGTH, n.HISTORY_LIKED_SHARE, n.HISTORY_GENRES, n.HISTORY_LAST_AT]
)
def test_what_comes_of_the_history_cannot_be_set(model, name):
    with pytest.raises(SettingsError, match=f"{name} is computed from the history") as refused:
        listed(model, **{name: "3"})
    assert "--likes" in refused.value.hint


@pytest.mark.parametrize(("name", "kind"), [(n.AGE, "number"), ("tier", "number")])
def test_a_value_of_another_kind_is_refused(model, name, kind):
    with pytest.raises(SettingsError, match=f"{name} = 'old' cannot be read") as refused:
        listed(model, **{name: "old"})
    assert kind in refused.value.hint


LIST, FLAG, TEXT, NUMBER = ["Drama"], True, "words", 3.5
NOT_OF_ITS_KIND = [
    *((n.AGE, value) for value in (LIST, FLAG, TEXT, None, {}, "nan", "inf", float("nan"))),
    *((n.AGE, value) for value in (10**400, b"3")),
    *((n.SEGMENT, value) for value in (LIST, FLAG, NUMBER, None, {}, "\ud800")),
    *((n.PREFERRED_GENRES, value) for value in (FLAG, NUMBER, None, {}, [NUMBER], [LIST], [None])),
    *((n.SIGNUP_AT, value) for value in (LIST, FLAG, NUMBER, TEXT, None, {}, "now", "today")),
    *((n.SIGNUP_AT, f"{each}-14:00") for each in ("9999-12-31T23:59:59", "10000-01-01")),
    ("tier", LIST),
    ("tier", TEXT),
    ("plan", NUMBER),
    ("plan", FLAG),
    ("plan", LIST),
    ("hobbies", NUMBER),
    ("hobbies", FLAG),
]


@pytest.mark.parametrize(("name", "value"), NOT_OF_ITS_KIND)
def test_whatever_is_not_of_its_kind_is_refused_by_name(model, name, value):
    with pytest.raises(SettingsError, match=f"^{name} = .* cannot be read") as refused:
        listed(model, **{name: value})
    assert refused.value.hint.startswith("It must be ")
    assert len(refused.value.message) < 150


def test_every_kind_that_is_asked_for_can_be_read(model):
    asked = {column.kind for column in USERS.columns} - {Kind.ID}
    assert asked == set(_READ)


def test_a_time_is_read_with_and_without_its_zone(model):
    plain = listed(model, signup_at="2020-05-01")
    pd.testing.assert_frame_equal(plain, listed(model, signup_at="2020-05-01T02:00:00+02:00"))


def test_where_no_movie_has_a_genre_none_is_named(model):
    genres = model.catalogue.genres
    none = replace(genres, vocabulary=(), movies=genres.movies[:, :0])
    bare = replace(model, catalogue=replace(model.catalogue, genres=none))
    with pytest.raises(SettingsError) as refused:
        recommend_for(bare, Answers((), ("Drama",)), 5, "r")
    assert refused.value.hint == "Known are none."
